@clause:5.6.13
Feature: Delete Attribute from Temporal Evolution of an Entity
  The instances of an attribute are forgotten: the default ones, those of a data set, or all.

  Background:
    Given the evolution of "urn:ngsi-ld:House:1"
      """
      {"type": "House", "name": {"type": "Property", "value": "one", "observedAt": "2026-01-01T00:00:00Z"},
       "temperature": [{"type": "Property", "value": 20, "observedAt": "2026-01-01T00:00:00Z"},
                       {"type": "Property", "value": 19, "observedAt": "2026-01-01T00:00:00Z", "datasetId": "urn:x:roof"}]}
      """

  Scenario: Without a data set the default instances go
    When a client forgets the attribute "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204
    And the answer has no body
    When a client recalls "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"temperature": [{"value": 19, "datasetId": "urn:x:roof"}], "name": [{"value": "one"}]}
      """

  Scenario: With a data set its instances go
    When a client forgets with "datasetId=urn:x:roof" the attribute "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204
    When a client recalls "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"temperature": [{"value": 20}]}
      """
    And the answer does not name "urn:x:roof"

  Scenario: With deleteAll all go
    When a client forgets with "deleteAll=true" the attribute "temperature" of "urn:ngsi-ld:House:1"
    Then the answer is 204
    When a client recalls "urn:ngsi-ld:House:1"
    Then the answer has no member "temperature"
    And the answer holds
      """
      {"name": [{"value": "one"}]}
      """

  Scenario Outline: An attribute or a history that is not there is refused
    When a client forgets the attribute "<name>" of "<entity>"
    Then the answer is 404
    And it is refused as ResourceNotFound

    Examples:
      | name        | entity              |
      | pressure    | urn:ngsi-ld:House:1 |
      | temperature | urn:ngsi-ld:House:2 |

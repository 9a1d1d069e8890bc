@clause:5.6.3
Feature: Append Attributes
  Attributes are added; those that are there are overwritten, unless that is not wanted.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5, "unitCode": "CEL"},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}}
      """

  Scenario: A new attribute is added and one that is there is overwritten
    When a client appends to the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21}, "pressure": {"type": "Property", "value": 1013}}
      """
    Then the answer is 204
    And the answer has no body
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"value": 21}, "pressure": {"value": 1013}}
      """

  Scenario: With noOverwrite what is there stays, and the answer says so
    When a client appends with "options=noOverwrite" to the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21}, "pressure": {"type": "Property", "value": 1013}}
      """
    Then the answer is 207
    And the answer holds
      """
      {"updated": ["https://uri.etsi.org/ngsi-ld/default-context/pressure"],
       "notUpdated": [{"attributeName": "https://uri.etsi.org/ngsi-ld/default-context/temperature"}]}
      """
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"value": 20.5}, "pressure": {"value": 1013}}
      """
    And the answer does not name "owner"

  Scenario: A second instance stands beside the default one
    When a client appends to the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 19, "datasetId": "urn:x:roof"}}
      """
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": [{"value": 20.5}, {"value": 19, "datasetId": "urn:x:roof"}]}
      """
    And the entity "urn:ngsi-ld:House:1" has no "urn:x:roof"

  Scenario: An unknown entity is refused
    When a client appends to the entity "urn:ngsi-ld:House:2"
      """
      {"temperature": {"type": "Property", "value": 21}}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound

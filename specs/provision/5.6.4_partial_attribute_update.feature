@clause:5.6.4
Feature: Partial Attribute Update
  Only the members that are given change; the attribute keeps its kind.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5, "unitCode": "CEL"},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}}
      """

  Scenario: A value changes and its unit stays
    When a client updates partially the attribute "temperature" of "urn:ngsi-ld:House:1"
      """
      {"type": "Property", "value": 21}
      """
    Then the answer is 204
    And the answer has no body
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"type": "Property", "value": 21, "unitCode": "CEL"}}
      """

  Scenario: An attribute never changes its kind
    When a client updates partially the attribute "temperature" of "urn:ngsi-ld:House:1"
      """
      {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}
      """
    Then the answer is 400
    And it is refused as BadRequestData
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"type": "Property", "value": 20.5}}
      """

  Scenario: An attribute that is not there is refused
    When a client updates partially the attribute "pressure" of "urn:ngsi-ld:House:1"
      """
      {"value": 21}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
    And the entity "urn:ngsi-ld:House:1" has no "pressure"

  Scenario: An instance that is not there is refused
    When a client updates partially the attribute "temperature" of "urn:ngsi-ld:House:1"
      """
      {"value": 21, "datasetId": "urn:x:roof"}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound

@clause:5.6.2
Feature: Update Attributes
  Attributes of a fragment replace those of the entity whole; new ones are appended.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5, "unitCode": "CEL"},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}}
      """

  Scenario: An attribute is replaced whole, another stays
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21}, "pressure": {"type": "Property", "value": 1013}}
      """
    Then the answer is 204
    And the answer has no body
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 21},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}, "pressure": {"type": "Property", "value": 1013}}
      """

  Scenario: An NGSI-LD Null deletes the attribute
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": "urn:ngsi-ld:null"}}
      """
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" has no "temperature"

  Scenario: An unknown entity is refused
    When a client updates attributes of the entity "urn:ngsi-ld:House:2"
      """
      {"temperature": {"type": "Property", "value": 21}}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
    And there is no entity "urn:ngsi-ld:House:2"

  Scenario: One bad attribute refuses the whole fragment
    When a client updates attributes of the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21}, "owner": {"type": "Relationship", "object": 7}}
      """
    Then the answer is 400
    And it is refused as BadRequestData, naming "/owner/object"
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"value": 20.5}}
      """

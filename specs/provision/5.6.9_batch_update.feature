@clause:5.6.9
Feature: Batch Entity Update
  Attributes are appended to entities that are there.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 2}}]
      """

  Scenario: All are updated
    When a client updates the batch
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 5}}]
      """
    Then the answer is 204
    And the answer has no body
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"value": 5}}
      """

  Scenario: One that is not there is reported and not created
    When a client updates the batch
      """
      [{"id": "urn:ngsi-ld:House:9", "type": "House", "temperature": {"type": "Property", "value": 5}},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 6}}]
      """
    Then the answer is 207
    And the answer holds
      """
      {"success": ["urn:ngsi-ld:House:2"], "errors": [{"entityId": "urn:ngsi-ld:House:9"}]}
      """
    And there is no entity "urn:ngsi-ld:House:9"

  Scenario: With noOverwrite what is there stays
    When a client updates with "options=noOverwrite" the batch
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 5}, "pressure": {"type": "Property", "value": 6}}]
      """
    Then the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"value": 1}, "pressure": {"value": 6}}
      """
    And the entity "urn:ngsi-ld:House:2" has no "pressure"

  Scenario: A body that is no array is refused
    When a client updates the batch
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House"}
      """
    Then the answer is 400
    And it is refused as InvalidRequest

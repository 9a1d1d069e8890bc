@clause:5.6.20
Feature: Batch Entity Merge
  Each member is merged into the entity of its id.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 2}}]
      """

  Scenario: Each is merged
    When a client merges the batch
      """
      [{"id": "urn:ngsi-ld:House:1", "temperature": {"value": 5}, "pressure": {"type": "Property", "value": 6}},
       {"id": "urn:ngsi-ld:House:2", "temperature": "urn:ngsi-ld:null"}]
      """
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"type": "Property", "value": 5}, "pressure": {"value": 6}}
      """
    And the entity "urn:ngsi-ld:House:2" has no "temperature"

  Scenario: One that is not there is reported and not created
    When a client merges the batch
      """
      [{"id": "urn:ngsi-ld:House:9", "type": "House"}, {"id": "urn:ngsi-ld:House:1", "temperature": {"value": 5}}]
      """
    Then the answer is 207
    And the answer holds
      """
      {"success": ["urn:ngsi-ld:House:1"], "errors": [{"entityId": "urn:ngsi-ld:House:9"}]}
      """
    And there is no entity "urn:ngsi-ld:House:9"

  Scenario: An empty batch is refused
    When a client merges the batch
      """
      []
      """
    Then the answer is 400
    And it is refused as BadRequestData

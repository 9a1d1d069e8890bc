@clause:5.6.10
Feature: Batch Entity Delete
  A list of ids goes.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 2}}]
      """

  Scenario: All go
    When a client deletes the batch
      """
      ["urn:ngsi-ld:House:1", "urn:ngsi-ld:House:2"]
      """
    Then the answer is 204
    And the answer has no body
    And there is no entity "urn:ngsi-ld:House:1"
    And there is no entity "urn:ngsi-ld:House:2"

  Scenario: One that is not there is reported, its neighbour goes
    When a client deletes the batch
      """
      ["urn:ngsi-ld:House:9", "urn:ngsi-ld:House:1"]
      """
    Then the answer is 207
    And the answer holds
      """
      {"success": ["urn:ngsi-ld:House:1"], "errors": [{"entityId": "urn:ngsi-ld:House:9"}]}
      """
    And there is no entity "urn:ngsi-ld:House:1"

  Scenario: An empty list is refused
    When a client deletes the batch
      """
      []
      """
    Then the answer is 400
    And it is refused as BadRequestData

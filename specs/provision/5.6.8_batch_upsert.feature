@clause:5.6.8
Feature: Batch Entity Create or Update (Upsert)
  What is new is created; what is there is replaced, or updated where that is asked for.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 2}}]
      """

  Scenario: New ones are told, the rest is replaced
    When a client upserts the batch
      """
      [{"id": "urn:ngsi-ld:House:2", "type": "House", "pressure": {"type": "Property", "value": 3}},
       {"id": "urn:ngsi-ld:House:3", "type": "House"}]
      """
    Then the answer is 201
    And the answer is exactly
      """
      ["urn:ngsi-ld:House:3"]
      """
    And the entity "urn:ngsi-ld:House:2" has no "temperature"

  Scenario: With update the rest of an entity stays
    When a client upserts with "options=update" the batch
      """
      [{"id": "urn:ngsi-ld:House:2", "type": "House", "pressure": {"type": "Property", "value": 3}}]
      """
    Then the answer is 204
    And the answer has no body
    And the entity "urn:ngsi-ld:House:2" holds
      """
      {"temperature": {"value": 2}, "pressure": {"value": 3}}
      """

  Scenario: An entity given twice is taken in order
    When a client upserts the batch
      """
      [{"id": "urn:ngsi-ld:House:4", "type": "House", "temperature": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:House:4", "type": "House", "temperature": {"type": "Property", "value": 2}}]
      """
    Then the answer is 201
    And the entity "urn:ngsi-ld:House:4" holds
      """
      {"temperature": {"value": 2}}
      """
    And there is no entity "urn:ngsi-ld:House:5"

  Scenario: An unknown option is refused
    When a client upserts with "options=overwrite" the batch
      """
      [{"id": "urn:ngsi-ld:House:5", "type": "House"}]
      """
    Then the answer is 400
    And it is refused as InvalidRequest
    And there is no entity "urn:ngsi-ld:House:5"

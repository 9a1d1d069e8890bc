@clause:5.6.21
Feature: Purge Entities
  Entities that match go, or only attributes of them.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 1}, "pressure": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:House:2", "type": "House", "temperature": {"type": "Property", "value": 2}, "pressure": {"type": "Property", "value": 1}},
       {"id": "urn:ngsi-ld:Room:1", "type": "Room", "temperature": {"type": "Property", "value": 2}}]
      """

  Scenario: What matches goes, and nothing else
    When a client purges entities with "type=House&q=temperature>1"
    Then the answer is 204
    And there is no entity "urn:ngsi-ld:House:2"
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"type": "House"}
      """
    And the entity "urn:ngsi-ld:Room:1" holds
      """
      {"type": "Room"}
      """

  Scenario: With drop only these attributes go
    When a client purges entities with "type=House&drop=pressure"
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" has no "pressure"
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"temperature": {"value": 1}}
      """

  Scenario: With keep all others go
    When a client purges entities with "type=House&keep=pressure"
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" has no "temperature"
    And the entity "urn:ngsi-ld:House:2" holds
      """
      {"pressure": {"value": 1}}
      """

  Scenario: A purge of everything is refused
    When a client sends DELETE to "/entities"
    Then the answer is 400
    And it is refused as BadRequestData
    And the entity "urn:ngsi-ld:Room:1" holds
      """
      {"type": "Room"}
      """

  Scenario: keep and drop at once are refused
    When a client purges entities with "type=House&keep=pressure&drop=temperature"
    Then the answer is 400
    And it is refused as BadRequestData

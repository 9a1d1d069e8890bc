@clause:4.22
Feature: Transient Storage of Entities and Attributes
  What has expired is as if it had never been.

  Scenario: An entity that expires later is there, and says when
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "expiresAt": "2999-01-01T00:00:00Z"}
      """
    Then the answer is 201
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"type": "House"}
      """
    And there is no entity "urn:ngsi-ld:House:2"

  Scenario: What is no instant is refused
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "expiresAt": "tomorrow"}
      """
    Then the answer is 400
    And it is refused as BadRequestData, naming "/expiresAt"
    And there is no entity "urn:ngsi-ld:House:1"

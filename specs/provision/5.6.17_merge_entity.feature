@clause:5.6.17
Feature: Merge Entity
  A merge patch goes deep: what it does not name stays, an NGSI-LD Null removes.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5, "unitCode": "CEL"},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}}
      """

  Scenario: A value changes, everything beside it stays
    When a client merges into the entity "urn:ngsi-ld:House:1"
      """
      {"temperature": {"type": "Property", "value": 21}, "pressure": {"type": "Property", "value": 1013}}
      """
    Then the answer is 204
    And the answer has no body
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 21, "unitCode": "CEL"},
       "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}, "pressure": {"type": "Property", "value": 1013}}
      """

  Scenario: An NGSI-LD Null removes an attribute, and a member of another
    When a client merges into the entity "urn:ngsi-ld:House:1"
      """
      {"owner": "urn:ngsi-ld:null", "temperature": {"type": "Property", "unitCode": "urn:ngsi-ld:null"}}
      """
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" has no "owner"
    And the entity "urn:ngsi-ld:House:1" is exactly
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20.5}}
      """

  Scenario: observedAt of the request counts for attributes that had one or are new
    When a client merges with "observedAt=2026-01-01T00:00:00Z" into the entity "urn:ngsi-ld:House:1"
      """
      {"pressure": {"type": "Property", "value": 1013}}
      """
    Then the answer is 204
    And the entity "urn:ngsi-ld:House:1" holds
      """
      {"pressure": {"value": 1013}}
      """
    And the answer has no body

  Scenario: An unknown entity is refused
    When a client merges into the entity "urn:ngsi-ld:House:2"
      """
      {"temperature": {"type": "Property", "value": 21}}
      """
    Then the answer is 404
    And it is refused as ResourceNotFound
    And there is no entity "urn:ngsi-ld:House:2"

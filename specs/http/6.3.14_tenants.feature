@clause:6.3.14
Feature: Tenant specification
  Tenants know nothing of each other.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}}}
      """

  Scenario: A tenant comes with its first entity and sees only its own
    Given the header NGSILD-Tenant is "east"
    When a client creates the entity
      """
      {"id": "urn:ngsi-ld:House:2", "type": "House"}
      """
    Then the answer is 201
    And the answer has the header NGSILD-Tenant "east"
    And there is no entity "urn:ngsi-ld:House:2"
    When the header NGSILD-Tenant is "east"
    And a client queries entities with "type=House"
    Then the answer lists "urn:ngsi-ld:House:2" and no other entity

  Scenario: A tenant that nobody made is refused
    Given the header NGSILD-Tenant is "west"
    When a client queries entities with "type=House"
    Then the answer is 404
    And it is refused as NonexistentTenant
    And the answer does not name "urn:ngsi-ld:House:1"

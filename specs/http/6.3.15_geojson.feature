@clause:6.3.15
Feature: GeoJSON representation of spatially bound entities
  Entities as features of a map.

  Background:
    Given the entity
      """
      {"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"},
       "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.6]}}}
      """

  Scenario: One entity is a feature
    Given the header Accept is "application/geo+json"
    When a client retrieves the entity "urn:ngsi-ld:House:1"
    Then the answer has the header Content-Type "application/geo+json"
    And the answer holds
      """
      {"id": "urn:ngsi-ld:House:1", "type": "Feature", "geometry": {"type": "Point", "coordinates": [139.7, 35.6]},
       "properties": {"type": "House", "temperature": {"type": "Property", "value": 20, "unitCode": "CEL"}}}
      """
    And the answer has no member "temperature"

  Scenario: Several are a collection
    Given the header Accept is "application/geo+json"
    When a client queries entities with "type=House&format=simplified"
    Then the answer holds
      """
      {"type": "FeatureCollection", "features": [{"id": "urn:ngsi-ld:House:1", "properties": {"temperature": 20}}]}
      """
    And the answer has no member "properties"

  Scenario: Types are no places; that is refused
    Given the header Accept is "application/geo+json"
    When a client asks for "/types"
    Then the answer is 406
    And it is refused as NotAcceptable

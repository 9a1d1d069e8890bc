@clause:5.7.7
Feature: Retrieve Available Entity Type Information
  One type: how many entities have it, and their attributes.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House", "scope": "/misono/east/one",
        "temperature": {"type": "Property", "value": 10, "quality": {"type": "Property", "value": "good"}},
        "name": {"type": "LanguageProperty", "languageMap": {"ja": "家", "en": "house"}},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.70, 35.60]}},
        "owner": {"type": "Relationship", "object": "urn:ngsi-ld:Person:1"}},
       {"id": "urn:ngsi-ld:House:2", "type": ["House", "Monument"], "scope": "/misono/west",
        "temperature": [{"type": "Property", "value": 20}, {"type": "Property", "value": 99, "datasetId": "urn:x:roof"}],
        "address": {"type": "Property", "value": {"city": "Misono", "no": 5}},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.71, 35.60]}}},
       {"id": "urn:ngsi-ld:Room:1", "type": "Room", "temperature": {"type": "Property", "value": "20"}},
       {"id": "urn:ngsi-ld:Person:1", "type": "Person", "family": {"type": "Property", "value": "Sato"}}]
      """

  Scenario: A type that entities have
    When a client asks for "/types/House"
    Then the answer is 200
    And the answer holds
      """
      {"type": "EntityTypeInfo", "typeName": "House", "entityCount": 2}
      """
    And the answer does not name "family"

  Scenario: A type that no entity has is refused
    When a client asks for "/types/Castle"
    Then the answer is 404
    And it is refused as ResourceNotFound

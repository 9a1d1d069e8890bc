@clause:4.5.23
Feature: NGSI-LD Linked Entity Retrieval
  What an entity points to comes along, beside it or inside it.

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

  Scenario: Inline
    When a client retrieves with "join=inline&joinLevel=1" the entity "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"owner": {"entity": {"id": "urn:ngsi-ld:Person:1", "family": {"value": "Sato"}}}}
      """
    And the answer does not name "entityList"

  Scenario: Flat
    When a client queries entities with "type=House&q=owner&join=flat&joinLevel=1"
    Then the answer lists "urn:ngsi-ld:House:1 urn:ngsi-ld:Person:1" and no other entity

  Scenario: An unknown way to join is refused
    When a client queries entities with "type=House&join=sideways"
    Then the answer is 400
    And it is refused as BadRequestData, naming "join"

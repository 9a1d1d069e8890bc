@clause:5.7.2
Feature: Query Entities
  Entities by type, id, attribute, place and scope; a page at a time.

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

  Scenario: By type
    When a client queries entities with "type=House"
    Then the answer is 200
    And the answer lists "urn:ngsi-ld:House:1 urn:ngsi-ld:House:2" and no other entity

  Scenario: By id, and by a pattern of ids
    When a client queries entities with "type=House,Room&id=urn:ngsi-ld:Room:1,urn:ngsi-ld:Person:1"
    Then the answer lists "urn:ngsi-ld:Room:1" and no other entity
    When a client queries entities with "type=House,Room&idPattern=.*:2$"
    Then the answer lists "urn:ngsi-ld:House:2" and no other entity

  Scenario: By the attributes it has
    When a client queries entities with "attrs=address"
    Then the answer lists "urn:ngsi-ld:House:2" and no other entity

  Scenario: A query by body says the same
    When a client queries entities by body
      """
      {"type": "Query", "entities": [{"type": "House"}], "q": "temperature<15"}
      """
    Then the answer is 200
    And the answer lists "urn:ngsi-ld:House:1" and no other entity

  Scenario: What matches nothing gives an empty list
    When a client queries entities with "type=Castle"
    Then the answer lists no entity

  Scenario: A query for everything is refused
    When a client asks for "/entities"
    Then the answer is 400
    And it is refused as BadRequestData
    And the answer does not name "urn:ngsi-ld:House:1"

  Scenario: An id that is no URI is refused
    When a client queries entities with "type=House&id=house"
    Then the answer is 400
    And it is refused as BadRequestData, naming "id"

@clause:4.23
Feature: Entity Ordering
  Numbers come before text; what lacks the attribute comes last.

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

  Scenario Outline: The order asked for
    When a client queries entities with "type=House,Room,Person&local=true&<order>"
    Then the answer is 200
    And the answer lists "<ids>" and no other entity

    Examples:
      | order                    | ids                                                                             |
      | orderBy=id;desc          | urn:ngsi-ld:Room:1 urn:ngsi-ld:Person:1 urn:ngsi-ld:House:2 urn:ngsi-ld:House:1 |
      | orderBy=temperature      | urn:ngsi-ld:House:1 urn:ngsi-ld:House:2 urn:ngsi-ld:Room:1 urn:ngsi-ld:Person:1 |
      | orderBy=type;asc,id;desc | urn:ngsi-ld:House:2 urn:ngsi-ld:House:1 urn:ngsi-ld:Person:1 urn:ngsi-ld:Room:1 |

  Scenario: By distance
    When a client queries entities with "type=House&local=true&orderBy=location;dist-asc&orderGeometry=Point&orderFrom=[139.72,35.60]"
    Then the answer lists "urn:ngsi-ld:House:2 urn:ngsi-ld:House:1" and no other entity

  Scenario: An unknown direction is refused
    When a client queries entities with "type=House&local=true&orderBy=temperature;up"
    Then the answer is 400
    And it is refused as BadRequestData, naming "orderBy"

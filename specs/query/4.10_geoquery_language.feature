@clause:4.10
Feature: NGSI-LD Geoquery Language
  Entities by where they are.

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

  Scenario Outline: What matches, and nothing else
    When a client queries entities with "type=House&<query>"
    Then the answer is 200
    And the answer lists in any order "<ids>" and no other entity

    Examples:
      | query                                                                                                                 | ids                 |
      | georel=near;maxDistance==500&geometry=Point&coordinates=[139.70,35.60]                                                | urn:ngsi-ld:House:1 |
      | georel=near;minDistance==500&geometry=Point&coordinates=[139.70,35.60]                                                | urn:ngsi-ld:House:2 |
      | georel=within&geometry=Polygon&coordinates=[[[139.705,35.5],[139.8,35.5],[139.8,35.7],[139.705,35.7],[139.705,35.5]]] | urn:ngsi-ld:House:2 |
      | georel=intersects&geometry=LineString&coordinates=[[139.70,35.5],[139.70,35.7]]                                       | urn:ngsi-ld:House:1 |
      | georel=equals&geometry=Point&coordinates=[139.71,35.60]                                                               | urn:ngsi-ld:House:2 |
      | georel=disjoint&geometry=Point&coordinates=[139.71,35.60]                                                             | urn:ngsi-ld:House:1 |

  Scenario Outline: What matches no entity
    When a client queries entities with "type=House&<query>"
    Then the answer lists no entity

    Examples:
      | query                                                                                |
      | georel=contains&geometry=Polygon&coordinates=[[[0,0],[1,0],[1,1],[0,0]]]             |
      | georel=overlaps&geometry=Polygon&coordinates=[[[139,35],[140,35],[140,36],[139,35]]] |

  Scenario Outline: What is not of the language is refused
    When a client queries entities with "type=House&<query>"
    Then the answer is 400
    And it is refused as BadRequestData, naming "georel"

    Examples:
      | query                                                   |
      | georel=beside&geometry=Point&coordinates=[139.70,35.60] |
      | georel=near&geometry=Point&coordinates=[139.70,35.60]   |

  Scenario: A geometry that is none is refused
    When a client queries entities with "type=House&georel=within&geometry=Polygon&coordinates=[[139,35]]"
    Then the answer is 400
    And it is refused as BadRequestData, naming "coordinates"

@clause:4.17
Feature: NGSI-LD Entity Type Selection Language
  Entities by one or several types.

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
    When a client queries entities with "type=<query>"
    Then the answer is 200
    And the answer lists in any order "<ids>" and no other entity

    Examples:
      | query                 | ids                                     |
      | House                 | urn:ngsi-ld:House:1 urn:ngsi-ld:House:2 |
      | Room,Person           | urn:ngsi-ld:Room:1 urn:ngsi-ld:Person:1 |
      | Room\|Person          | urn:ngsi-ld:Room:1 urn:ngsi-ld:Person:1 |
      | (House;Monument)      | urn:ngsi-ld:House:2                     |
      | (House;Monument)\|Room | urn:ngsi-ld:House:2 urn:ngsi-ld:Room:1  |

  Scenario Outline: What matches no entity
    When a client queries entities with "type=<query>"
    Then the answer lists no entity

    Examples:
      | query        |
      | Castle       |
      | (House;Room) |

  Scenario Outline: What is not of the language is refused
    When a client queries entities with "type=<query>"
    Then the answer is 400
    And it is refused as BadRequestData, naming "type"

    Examples:
      | query       |
      | (House      |
      | House;;Room |
      | House\|     |

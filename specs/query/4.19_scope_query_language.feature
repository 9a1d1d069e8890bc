@clause:4.19
Feature: NGSI-LD Scope Query Language
  Entities by their scopes.

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
    When a client queries entities with "type=House&scopeQ=<query>"
    Then the answer is 200
    And the answer lists in any order "<ids>" and no other entity

    Examples:
      | query                         | ids                                     |
      | /misono/west                  | urn:ngsi-ld:House:2                     |
      | /misono/#                     | urn:ngsi-ld:House:1 urn:ngsi-ld:House:2 |
      | /misono/+                     | urn:ngsi-ld:House:2                     |
      | /misono/+/one                 | urn:ngsi-ld:House:1                     |
      | /misono/west,/misono/east/one | urn:ngsi-ld:House:1 urn:ngsi-ld:House:2 |
      | /#;/misono/east/#             | urn:ngsi-ld:House:1                     |

  Scenario Outline: What matches no entity
    When a client queries entities with "type=House&scopeQ=<query>"
    Then the answer lists no entity

    Examples:
      | query   |
      | /misono |
      | /edo/#  |

  Scenario Outline: What is not of the language is refused
    When a client queries entities with "type=House&scopeQ=<query>"
    Then the answer is 400
    And it is refused as BadRequestData, naming "scopeQ"

    Examples:
      | query          |
      | misono//east   |
      | /misono/#/east |
      | /misono/we#st  |

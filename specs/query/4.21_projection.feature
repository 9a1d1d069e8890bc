@clause:4.21
Feature: NGSI-LD Attribute Projection Language
  What of an entity is told.

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

  Scenario: pick gives these members only
    When a client queries entities with "type=House&pick=id,address"
    Then the answer is exactly
      """
      [{"id": "urn:ngsi-ld:House:1"}, {"id": "urn:ngsi-ld:House:2", "address": {"type": "Property", "value": {"city": "Misono", "no": 5}}}]
      """
    And the answer does not name "temperature"

  Scenario: omit gives all but these
    When a client queries entities with "type=House&omit=temperature,location,name,owner"
    Then the answer is 200
    And the answer names "scope"
    And the answer does not name "temperature"

  Scenario: pick and omit at once are refused
    When a client queries entities with "type=House&pick=address&omit=name"
    Then the answer is 400
    And it is refused as BadRequestData, naming "omit"

  Scenario: An unfinished projection is refused
    When a client queries entities with "type=House&pick=owner{family"
    Then the answer is 400
    And it is refused as BadRequestData, naming "pick"

@clause:4.15
Feature: NGSI-LD Language Filter
  A language map is reduced to the language that is asked for.

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

  Scenario: The language asked for
    When a client retrieves with "lang=ja" the entity "urn:ngsi-ld:House:1"
    Then the answer is 200
    And the answer holds
      """
      {"name": {"type": "Property", "value": "家", "lang": "ja"}}
      """
    And the answer does not name "languageMap"

  Scenario: The best of several
    When a client retrieves with "lang=de;q=1,en;q=0.5,ja;q=0.1" the entity "urn:ngsi-ld:House:1"
    Then the answer holds
      """
      {"name": {"type": "Property", "value": "house", "lang": "en"}}
      """
    And the answer does not name "家"

  Scenario: What is no language range is refused
    When a client retrieves with "lang=;;" the entity "urn:ngsi-ld:House:1"
    Then the answer is 400
    And it is refused as BadRequestData, naming "lang"

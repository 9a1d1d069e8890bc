@clause:4.9
Feature: NGSI-LD Query Language
  A filter on attribute values; kinds never mix.

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
    When a client queries entities with "type=House,Room,Person&q=<query>"
    Then the answer is 200
    And the answer lists in any order "<ids>" and no other entity

    Examples:
      | query                                | ids                                                        |
      | temperature==20                      | urn:ngsi-ld:House:2                                        |
      | temperature>15                       | urn:ngsi-ld:House:2                                        |
      | temperature>=10;temperature<15       | urn:ngsi-ld:House:1                                        |
      | temperature=="20"                    | urn:ngsi-ld:Room:1                                         |
      | temperature==10,20                   | urn:ngsi-ld:House:1 urn:ngsi-ld:House:2                    |
      | temperature==5..15                   | urn:ngsi-ld:House:1                                        |
      | temperature!=20                      | urn:ngsi-ld:House:1 urn:ngsi-ld:House:2 urn:ngsi-ld:Room:1 |
      | temperature==99                      | urn:ngsi-ld:House:2                                        |
      | temperature                          | urn:ngsi-ld:House:1 urn:ngsi-ld:House:2 urn:ngsi-ld:Room:1 |
      | temperature.quality=="good"          | urn:ngsi-ld:House:1                                        |
      | address[city]=="Misono"              | urn:ngsi-ld:House:2                                        |
      | address[no]>4                        | urn:ngsi-ld:House:2                                        |
      | name[ja]=="家"                        | urn:ngsi-ld:House:1                                        |
      | name[*]=="house"                     | urn:ngsi-ld:House:1                                        |
      | owner==urn:ngsi-ld:Person:1          | urn:ngsi-ld:House:1                                        |
      | family~=^S.*o$                       | urn:ngsi-ld:Person:1                                       |
      | family=="Sato"\|temperature==10      | urn:ngsi-ld:House:1 urn:ngsi-ld:Person:1                   |
      | (family\|temperature);temperature==10 | urn:ngsi-ld:House:1                                        |

  Scenario Outline: What matches no entity
    When a client queries entities with "type=House,Room,Person&q=<query>"
    Then the answer lists no entity

    Examples:
      | query                |
      | temperature==11      |
      | colour               |
      | address[city]=="Edo" |
      | name[de]=="Haus"     |
      | temperature==true    |

  Scenario Outline: What is not of the language is refused
    When a client queries entities with "type=House,Room,Person&q=<query>"
    Then the answer is 400
    And it is refused as BadRequestData, naming "q"

    Examples:
      | query            |
      | temperature==    |
      | temperature>>5   |
      | (temperature     |
      | temperature==5.. |
      | =="x"            |
      | temperature==5;  |
      | name[ja          |

  Scenario: What an entity points to, one step for each step that is joined
    When a client queries entities with "type=House&join=inline&joinLevel=1&q=owner{Person:family=="Sato"}"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity
    When a client queries entities with "type=House&join=inline&joinLevel=1&q=owner{Person:family=="Suzuki"}"
    Then the answer lists no entity

  Scenario: A step that is not joined is refused
    When a client queries entities with "type=House&q=owner{Person:family=="Sato"}"
    Then the answer is 400
    And it is refused as BadRequestData, naming "q"

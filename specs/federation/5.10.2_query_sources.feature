@clause:5.10.2
@sources
Feature: Query Context Source Registrations
  Who may know of this?

  Background:
    Given the registration
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:houses", "type": "ContextSourceRegistration", "endpoint": "http://source",
       "information": [{"entities": [{"type": "House"}], "propertyNames": ["temperature"]}]}
      """
    And the registration
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:rooms", "type": "ContextSourceRegistration", "endpoint": "http://source",
       "information": [{"entities": [{"type": "Room", "idPattern": "urn:ngsi-ld:Room:.*"}]}]}
      """

  Scenario Outline: Those that fit
    When a client looks for registrations with "<query>"
    Then the answer is 200
    And the answer lists "<found>" and no other entity
    And the source was asked nothing

    Examples:
      | query                             | found                                                                                        |
      | type=House                        | urn:ngsi-ld:ContextSourceRegistration:houses                                                 |
      | type=Room                         | urn:ngsi-ld:ContextSourceRegistration:rooms                                                  |
      | type=Room,House                   | urn:ngsi-ld:ContextSourceRegistration:houses urn:ngsi-ld:ContextSourceRegistration:rooms     |
      | type=House&attrs=temperature      | urn:ngsi-ld:ContextSourceRegistration:houses                                                 |
      | type=Room&id=urn:ngsi-ld:Room:1   | urn:ngsi-ld:ContextSourceRegistration:rooms                                                  |
      | type=Room,House&limit=1&offset=1  | urn:ngsi-ld:ContextSourceRegistration:rooms                                                  |

  Scenario: Nobody knows
    When a client looks for registrations with "type=House&attrs=humidity"
    Then the answer lists no entity

  Scenario: A question about nothing is refused
    When a client looks for registrations with "type=House&near=here"
    Then the answer is 400
    And it is refused as InvalidRequest

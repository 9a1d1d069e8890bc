@clause:6.3.10
Feature: Pagination behaviour
  A page, and the way to the next and to the one before.

  Background:
    Given the entities
      """
      [{"id": "urn:ngsi-ld:House:1", "type": "House"}, {"id": "urn:ngsi-ld:House:2", "type": "House"}, {"id": "urn:ngsi-ld:House:3", "type": "House"}]
      """

  Scenario: The first page names the next
    When a client queries entities with "type=House&limit=1"
    Then the answer lists "urn:ngsi-ld:House:1" and no other entity
    And the header Link of the answer names "</ngsi-ld/v1/entities?limit=1&offset=1&type=House>;rel="next""

  Scenario: The last page names the one before
    When a client queries entities with "type=House&limit=2&offset=2"
    Then the answer lists "urn:ngsi-ld:House:3" and no other entity
    And the header Link of the answer names "</ngsi-ld/v1/entities?limit=2&offset=0&type=House>;rel="prev""

  Scenario Outline: A page of nothing is refused
    When a client queries entities with "type=House&<window>"
    Then the answer is 400
    And it is refused as BadRequestData, naming "<pointer>"

    Examples:
      | window    | pointer |
      | limit=0   | limit   |
      | limit=-1  | limit   |
      | offset=-1 | offset  |
      | limit=x   | limit   |

@clause:5.11.5
Feature: Query Context Source Registration Subscriptions
  All who want to be told of sources, page by page.

  Background:
    Given a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    And a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:2", "type": "Subscription", "entities": [{"type": "Room"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """

  Scenario: A page of them, and not those to entities
    Given the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:3", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    When a client lists subscriptions to registrations with "count=true&limit=5"
    Then the answer lists in any order "urn:ngsi-ld:Subscription:1 urn:ngsi-ld:Subscription:2" and no other entity
    And the answer has the header NGSILD-Results-Count "2"

  Scenario: A page of fewer than none is refused
    When a client lists subscriptions to registrations with "limit=-1"
    Then the answer is 400
    And it is refused as BadRequestData

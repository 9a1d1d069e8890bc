@clause:5.8.4
Feature: Query Subscriptions
  All subscriptions, a page at a time.

  Background:
    Given the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "description": "first", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    And the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:2", "type": "Subscription", "entities": [{"type": "Room"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """

  Scenario: All of them
    When a client asks for "/subscriptions"
    Then the answer is 200
    And the answer lists "urn:ngsi-ld:Subscription:1 urn:ngsi-ld:Subscription:2" and no other entity

  Scenario: A page, counted, with the way to the next
    When a client lists subscriptions with "limit=1&count=true"
    Then the answer lists "urn:ngsi-ld:Subscription:1" and no other entity
    And the answer has the header NGSILD-Results-Count "2"
    And the header Link of the answer names "</ngsi-ld/v1/subscriptions?count=true&limit=1&offset=1>;rel="next""

  Scenario: A page of nothing is refused
    When a client lists subscriptions with "limit=0"
    Then the answer is 400
    And it is refused as BadRequestData, naming "limit"

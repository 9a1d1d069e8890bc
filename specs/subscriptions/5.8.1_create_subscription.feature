@clause:5.8.1
Feature: Create Subscription
  Somebody wants to be told.

  Scenario: A subscription is active from its creation
    When a client subscribes
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify", "accept": "application/json"}}}
      """
    Then the answer is 201
    And the answer has the header Location "/ngsi-ld/v1/subscriptions/urn:ngsi-ld:Subscription:1"
    And the answer has no body
    And the subscription "urn:ngsi-ld:Subscription:1" is as
      """
      {"entities": [{"type": "House"}], "status": "active", "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """

  Scenario: One without an id gets one
    When a client subscribes
      """
      {"type": "Subscription", "watchedAttributes": ["temperature"], "isActive": false,
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    Then the answer is 201
    And the header Location of the answer names "/ngsi-ld/v1/subscriptions/urn:"
    And the answer has no body

  Scenario: An id that is taken is refused
    Given the subscription
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    When a client subscribes
      """
      {"id": "urn:ngsi-ld:Subscription:1", "type": "Subscription", "entities": [{"type": "Room"}],
       "notification": {"endpoint": {"uri": "http://127.0.0.1:9/notify"}}}
      """
    Then the answer is 409
    And it is refused as AlreadyExists
    And the subscription "urn:ngsi-ld:Subscription:1" is as
      """
      {"entities": [{"type": "House"}]}
      """

  Scenario Outline: What is no subscription is refused
    When a client subscribes
      """
      {"type": "Subscription", <rest>}
      """
    Then the answer is 400
    And it is refused as BadRequestData

    Examples:
      | rest |
      | "notification": {"endpoint": {"uri": "http://127.0.0.1:9/n"}} |
      | "entities": [{"type": "House"}] |
      | "entities": [{"type": "House"}], "notification": {"endpoint": {}} |
      | "entities": [{"type": "House"}], "notification": {"endpoint": {"uri": "nowhere"}} |
      | "entities": [{"type": "House"}], "expiresAt": "2020-01-01T00:00:00Z", "notification": {"endpoint": {"uri": "http://127.0.0.1:9/n"}} |
      | "entities": [{"type": "House"}], "q": "a==(", "notification": {"endpoint": {"uri": "http://127.0.0.1:9/n"}} |
      | "entities": [{"type": "House"}], "timeInterval": 5, "watchedAttributes": ["a"], "notification": {"endpoint": {"uri": "http://127.0.0.1:9/n"}} |
      | "entities": [{"type": "House"}], "notificationTrigger": ["entityMoved"], "notification": {"endpoint": {"uri": "http://127.0.0.1:9/n"}} |

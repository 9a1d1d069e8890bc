@clause:5.11.7
@sources
@notifies
Feature: Context Source Notification
  Who wants to know of sources is told which came, which changed, and which left.

  Background:
    Given a client subscribes to registrations
      """
      {"id": "urn:ngsi-ld:Subscription:sources", "type": "Subscription", "entities": [{"type": "House"}],
       "notification": {"endpoint": {"uri": "http://receiver/notify", "accept": "application/json"}}}
      """

  Scenario: A source that fits comes, and leaves
    Given the registration
      """
      {"id": "urn:ngsi-ld:ContextSourceRegistration:aizu", "type": "ContextSourceRegistration", "endpoint": "http://source",
       "information": [{"entities": [{"type": "House"}]}]}
      """
    Then the receiver gets a notification that holds
      """
      {"type": "ContextSourceNotification", "subscriptionId": "urn:ngsi-ld:Subscription:sources",
       "triggerReason": "newlyMatching", "data": [{"id": "urn:ngsi-ld:ContextSourceRegistration:aizu"}]}
      """
    When a client deletes the registration "urn:ngsi-ld:ContextSourceRegistration:aizu"
    Then the receiver gets a notification that holds
      """
      {"triggerReason": "noLongerMatching", "data": [{"id": "urn:ngsi-ld:ContextSourceRegistration:aizu"}]}
      """
    And the receiver gets no other notification

  Scenario: One that fits not is not told of
    Given the registration
      """
      {"type": "ContextSourceRegistration", "information": [{"entities": [{"type": "Room"}]}], "endpoint": "http://source"}
      """
    Then the receiver gets no notification

  Scenario: Only what is a trigger is one: a subscription to changes of entities is refused
    When a client subscribes to registrations
      """
      {"type": "Subscription", "entities": [{"type": "House"}], "notificationTrigger": ["sometimes"],
       "notification": {"endpoint": {"uri": "http://receiver/notify"}}}
      """
    Then the answer is 400
    And it is refused as BadRequestData

@own
Feature: Consents of residents
  Nobody gets anything of a person unless the person was shown what for, chose it, and has not withdrawn it since.

  Background:
    Given a clinic that may receive data, and its terms for the pulse
    And the pulse of "hana" was measured

  Scenario: Off is the default
    When the clinic reads the pulse of "hana"
    Then there is no such entity for the clinic
    And "hana" allows nothing

  Scenario: What was shown and chosen is allowed
    When "hana" is shown the terms
    Then she reads the benefit, the purpose and the recipient in Japanese and English
    And the clinic sees nothing of "hana" yet
    When "hana" consents to the pulse
    Then the clinic sees the pulse of "hana"

  Scenario: A consent to what was not shown is refused
    When "hana" consents to the pulse without having been shown it
    Then it is refused as BadRequestData
    And "hana" allows nothing

  Scenario: A notice is good for whom it was shown, and for a day
    When "hana" is shown the terms
    And "taro" consents by the notice of "hana"
    Then it is refused as BadRequestData
    When 25 hours go by
    And "hana" consents to the pulse
    Then it is refused as BadRequestData
    And "hana" allows nothing

  Scenario: Nothing is wider than what was shown
    When "hana" consents to her sleep by the terms for the pulse
    Then it is refused as BadRequestData
    And "hana" allows nothing

  Scenario: What needs special care is allowed by its name alone
    When "hana" consents to the pulse without naming that it needs special care
    Then it is refused as BadRequestData
    And the clinic sees nothing of "hana"

  Scenario: Withdrawn in one act
    Given "hana" has consented to the pulse
    When "hana" withdraws everything
    Then the clinic sees nothing of "hana" any more
    And the clinic is asked to delete it within 14 days
    And "hana" allows nothing

  Scenario: One item is withdrawn, and the others stay
    Given "hana" has consented to the pulse and to her bookings
    When "hana" withdraws the pulse
    Then the clinic sees nothing of "hana" any more
    And "hana" allows her bookings and nothing else

  Scenario: A consent ends at its time
    Given "hana" has consented to the pulse for 10 days
    When 10 days go by
    Then the clinic sees nothing of "hana" any more

  Scenario: A consent that was changed takes the place of the one before
    Given "hana" has consented to the pulse
    When "hana" allows the pulse by the day only
    Then the clinic sees nothing of "hana", whose days it may have
    And what she consented to first holds no more

  Scenario: Changed terms are agreed to anew, or the consent lapses
    Given "hana" has consented to the pulse
    When the clinic changes its terms
    Then "hana" finds in her list that she is asked again
    And the clinic sees the pulse of "hana"
    When 30 days go by
    Then the clinic sees nothing of "hana" any more

  Scenario: Who is asked may refuse, and is not asked again
    When the clinic asks "hana"
    And "hana" refuses
    And the clinic asks "hana"
    Then nothing waits for an answer of "hana"
    And the clinic is told nothing of who refused

  Scenario: Who is asked may put it off and agree
    When the clinic asks "hana"
    And "hana" puts it off
    Then the clinic sees nothing of "hana" yet
    When "hana" accepts
    Then the clinic sees the pulse of "hana"

  Scenario: What a household shares needs every member
    Given the pulse of "ken" was measured by what "taro" shares with him
    When "ken" proposes to "taro" to allow it together
    Then the clinic sees nothing of "ken" yet
    When "taro" agrees
    Then the clinic sees the pulse of "ken"
    When "taro" withdraws everything
    Then the clinic sees nothing of "ken" any more

  Scenario: A guardian decides for a child, and both are named
    Given "mei" is the guardian of "hana"
    When "mei" consents for "hana"
    Then the clinic sees the pulse of "hana"
    And the history of the consent names "mei" as who gave it
    But "taro" may not decide for "hana"

  Scenario: An operator sees nobody but in an emergency, for a while, and the person is told
    Then the operator sees nothing of "hana"
    When the operator breaks the glass for 2 hours for "hana"
    Then the operator sees the pulse of "hana"
    When 2 hours go by
    Then the operator sees nothing of "hana" any more
    And "hana" is told who looked, when and why

  Scenario: An emergency without end is refused
    When the operator breaks the glass for 25 hours for "hana"
    Then it is refused as BadRequestData
    And the operator sees nothing of "hana"

  Scenario: A receipt says whether the consent still holds
    Given "hana" has consented to the pulse
    When somebody verifies the receipt of "hana"
    Then it is valid
    When "hana" withdraws everything
    And somebody verifies the receipt of "hana"
    Then it is not valid any more

  Scenario: A receipt that was changed is none
    Given "hana" has consented to the pulse
    When somebody verifies a changed receipt of "hana"
    Then it is not one of this hub

  Scenario: Nobody but the hub writes consents
    When the operator writes a consent of "hana" as an entity
    Then it is refused as Forbidden
    And the clinic sees nothing of "hana"

  Scenario: A recipient whose evidence has run out gets no consent
    Given the evidence of the clinic has run out
    When "hana" is shown the terms
    Then it is refused as Conflict
    And "hana" allows nothing

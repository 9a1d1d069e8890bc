@own
Feature: The information bank
  Data go to examined recipients alone, under offers that the ethics board allows, for as long as a person consents.

  Background:
    Given an ethics board of every viewpoint
    And the clinic has applied with a certificate for 60 days

  Scenario: A recipient receives nothing before it is examined
    Given an offer of the pulse that the board allowed for 100 days
    When the clinic asks for data under the offer
    Then it is refused as Forbidden
    When the operator examines the clinic
    And the clinic asks for data under the offer
    Then the request is taken, and nothing is handed over for it yet

  Scenario: No offer is live without a decision of the board
    Given the clinic was examined
    And a draft of an offer of the pulse
    When the operator publishes the offer
    Then it is refused as Conflict
    And the clinic sees no offer
    When the board allows the offer for 100 days
    And the operator publishes the offer
    Then the clinic sees the offer and no other

  Scenario: The board does not decide on health before a medical adviser is heard
    Given a draft of an offer of the pulse
    When everybody on the board but the medical adviser is in favour
    And the board decides
    Then it is refused as Conflict
    And no decision is written down

  Scenario: What is consented to is handed over, and written down for the person
    Given the clinic was examined
    And the clinic has an agreement about the pulse
    And the pulse of "hana" and of "taro" was measured
    And "hana" consents
    When the clinic fetches what it agreed on
    Then it gets the pulse of "hana" and not that of "taro"
    And passing it on is prohibited, and nothing in it is without a receipt
    And "hana" reads that the clinic got her pulse
    And "taro" reads that nobody got anything

  Scenario: After a withdrawal nothing more is handed over
    Given the clinic was examined
    And the clinic has an agreement about the pulse
    And the pulse of "hana" and of "taro" was measured
    And "hana" consents
    When the clinic fetches what it agreed on
    And "hana" withdraws
    And the clinic fetches what it agreed on
    Then it gets nothing
    And "hana" reads that the clinic got her pulse

  Scenario: A certificate that has run out blocks at once
    Given the clinic was examined
    And the clinic has an agreement about the pulse
    And the pulse of "hana" and of "taro" was measured
    And "hana" consents
    When 60 days go by
    And the clinic fetches what it agreed on
    Then it is refused as Forbidden
    And the clinic sees no pulse at the broker either, which is not told why

  Scenario: A decision that is taken back stops offers and deliveries in the same act
    Given the clinic was examined
    And the clinic has an agreement about the pulse
    When the board takes its decision back
    Then the clinic sees no offer
    When the clinic fetches what it agreed on
    Then it is refused as Forbidden

  Scenario: Operator, board and auditor are kept apart
    Given a draft of an offer of the pulse
    When the operator votes on the offer
    Then it is refused as Forbidden
    When somebody who is operator and board drafts an offer
    Then it is refused as Forbidden
    And there is no second offer

  Scenario: A complaint is answered in time, or is said to be late
    When "hana" complains
    Then "taro" sees no complaint
    When 14 days go by
    Then the complaint is overdue, and its words are not told to the auditor
    When the operator answers the complaint
    Then "hana" reads the answer, which nobody else does but the operator

  Scenario: An incident that concerns health is told to the commission within days
    When the operator finds that health data of 3 people were lost
    Then the commission is to be told within 5 days, and not later than in 30 days finally
    When the operator closes the incident
    Then it is refused as Conflict

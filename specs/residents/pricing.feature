@own
Feature: The price of data
  What data cost is worked out by rules that everybody can read, from consents, and paid to the persons whose data they are.

  Background:
    Given the clinic has 100 points
    And the daily pulse of ten days costs 3 points a person

  Scenario: Persons, the community and the operator get their parts, exactly
    Given "hana" and "taro" consent to their pulse
    When the clinic asks the price of the daily pulse of ten days
    Then the price is 6 points for 2 persons, and no person is named
    When it accepts
    Then "hana" earned 2.1 points
    And "taro" earned 2.1 points
    And the community got 1.2 points and the operator 0.6 points
    And the clinic has 94 points

  Scenario: Accepting twice pays once
    Given "hana" and "taro" consent to their pulse
    And the clinic asked the price of the daily pulse of ten days
    When it accepts
    And it accepts
    Then "hana" earned 2.1 points
    And the clinic has 94 points, and not 88

  Scenario: Without consent there is nobody to pay
    When the clinic asks the price of the daily pulse of ten days
    Then the price is 0 points for 0 persons, and no person is named
    When it accepts
    Then it is refused as Conflict, naming "/quote"
    And the clinic has 100 points

  Scenario: Who withdraws after the quote is neither sold nor paid
    Given "hana" and "taro" consent to their pulse
    And the clinic asked the price of the daily pulse of ten days
    When "hana" withdraws everything
    And it accepts
    Then "taro" earned 2.1 points
    And "hana" earned nothing
    And the clinic has 97 points

  Scenario: Who asks for more is not in it
    Given "hana" and "taro" consent to their pulse
    And "hana" asks for at least 5 points a time
    When the clinic asks the price of the daily pulse of ten days
    Then the price is 3 points for 1 persons, and no person is named

  Scenario: A month pays no more than its cap
    Given "hana" and "taro" consent to their pulse
    And the clinic has 1000 points more
    When the clinic buys the daily pulse of 300 days 3 times
    Then "hana" earned 70 points
    And no price is left in this month

  Scenario: A recipient that has not enough
    Given "hana" and "taro" consent to their pulse
    And the clinic spent all but 5 points
    And the clinic asked the price of the daily pulse of ten days
    When it accepts
    Then it is refused as Conflict, naming "/legs"
    And "hana" earned nothing
    And the clinic has 5 points

  Scenario: A quote that is over
    Given "hana" and "taro" consent to their pulse
    And the clinic asked the price of the daily pulse of ten days
    When 901 seconds go by
    Then anybody who verifies it finds it expired
    When it accepts
    Then it is refused as Conflict, naming "/quote"
    And "hana" earned nothing

  Scenario: A quote that was changed
    Given "hana" and "taro" consent to their pulse
    And the clinic asked the price of the daily pulse of ten days
    When somebody changes the price in it
    Then anybody who verifies it finds it forged, and not valid

  Scenario: Everybody can ask why
    When "hana" asks what the daily pulse of ten days would cost
    Then every factor is told in Japanese and in English, and no price without its reason

  Scenario: No coarse question for everything of a type
    When the clinic asks the price of every booking
    Then it is refused as BadRequestData, naming "/dataItems/0"

  Scenario: Incomes are simulated for the board, and nobody is named
    Given "hana" and "taro" consent to their pulse
    And the clinic asked the price of the daily pulse of ten days
    When it accepts
    Then the board reads that 2 persons would have earned 8.4 points instead of 4.2, and no name
    And "hana" may not read it

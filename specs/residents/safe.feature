@own
Feature: Safe outputs
  Totals of those who allowed them, and of so many that nobody is seen in them; with noise off a budget, or as rows that
  nobody can be found in.

  Background:
    Given the pulse of "hana", "taro", "ken" and "mei" was measured
    And "hana", "taro" and "ken" have consented to the pulse for the clinic

  Scenario: A total is of those who allowed it
    When the clinic asks for the mean pulse
    Then it is 61, of 3 people
    And the auditor finds that a total was made, and nobody in it

  Scenario: Of too few nothing is told
    Given "hana" withdraws
    When the clinic asks for the mean pulse
    Then it is hidden, since they are too few
    When the clinic asks for rows
    Then it gets no rows

  Scenario: Who was allowed nothing gets no total
    When the shop asks for the mean pulse
    Then it is hidden, since they are too few

  Scenario: Asking twice does not tell one person's change
    Given the clinic asks for the mean pulse
    And the pulse of "hana" is 147 now
    When the clinic asks for the mean pulse
    Then it is 61, of 3 people, and not what it is by now
    Given the pulse of "taro" is 80 now
    And the pulse of "ken" is 82 now
    When the clinic asks for the mean pulse
    Then it is 103, of 3 people

  Scenario: A total that would tell of one person is the one of before, and rows that would are refused
    Given the clinic asks for the mean pulse
    And "mei" has consented to the pulse for the clinic
    When the clinic asks for the mean pulse
    Then it is 61, of 3 people
    When the clinic asks for rows
    Then it is refused as Forbidden, naming "/dataset"
    When the clinic asks for a noisy mean at 0.5
    Then it gets a number between 30 and 220, and 0.5 of its budget is left

  Scenario: Noise is paid for, and a spent budget is spent
    Given the clinic asks for a noisy mean at 0.75
    When the clinic asks for a noisy mean at 0.5
    Then it is refused as Forbidden, naming "/epsilon"
    And 0.25 of the budget of the clinic is left
    And 1 of the budget of the shop is left

  Scenario: A noise that is none is refused
    When the clinic asks for a noisy mean at 0
    Then it is refused as BadRequestData, naming "/epsilon"
    When the clinic asks for a noisy mean at -1
    Then it is refused as BadRequestData, naming "/epsilon"
    When the clinic asks for a noisy mean at 1000
    Then it is refused as BadRequestData, naming "/epsilon"
    And 1 of the budget of the clinic is left

  Scenario: Who allowed months alone is in no rows
    Given "hana", "taro", "ken" and "mei" have consented to the monthly pulse for the shop
    When the shop asks for the mean pulse
    Then it is 61.5, of 4 people
    When the shop asks for rows
    Then it gets no rows

  Scenario: Rows that nobody is found in are published with how they were made
    When the clinic asks for rows
    Then it gets 3 rows of "2026-01" between 49 and 68, and nobody's name in them
    And everybody can read how they were made, and not for whom

  Scenario: Only recipients ask
    When "hana" asks for the mean pulse
    Then it is refused as Forbidden
    When "yamada" asks for the mean pulse
    Then it is refused as Forbidden
    When "kaneko" asks for the mean pulse
    Then it is refused as Forbidden
    When "" asks for the mean pulse
    Then it is refused as Unauthorized

  Scenario: What there is not is refused
    When the clinic asks for the mean of "weight"
    Then it is refused as ResourceNotFound, naming "/dataset"
    When the clinic asks for the mean pulse by "town"
    Then it is refused as BadRequestData, naming "/by"

  Scenario: Who is erased is in no total
    Given "hana" has herself erased
    When the clinic asks for the mean pulse
    Then it is hidden, since they are too few

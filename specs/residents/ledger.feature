@own
Feature: The ledger of points and yen
  What one account gives another gets, once however often it is asked for, and what is booked stays.

  Background:
    Given "hana" and "taro" have accounts, and "hana" was issued 100 points

  Scenario: Points move once, and only their owners see it
    When "hana" moves 12.5 points to "taro", and asks for the same once more
    Then "hana" has 87.5 points
    And "taro" has 12.5 points
    And nobody else sees the account of "hana": not "taro", not "yamada", not "kaneko", not "clinic"

  Scenario: The same key for something else
    Given "hana" moves 10 points to "taro", and asks for the same once more
    When "hana" moves 11 points to "taro" by the same key
    Then it is refused as Conflict, naming "/key"
    And nothing more is booked

  Scenario: Nobody has less than nothing
    When "taro" moves 1 points to "hana"
    Then it is refused as Conflict, naming "/legs"
    And nothing more is booked

  Scenario: What is finer than a thousandth
    When "hana" moves 0.0001 points to "taro"
    Then it is refused as BadRequestData, naming "/amount"
    And nothing more is booked

  Scenario: Somebody else's account is as absent as none
    When "taro" moves 1 points out of the account of "hana"
    Then it is refused as ResourceNotFound, naming "/from"
    And nothing more is booked

  Scenario: Who issues is the operator
    When "hana" issues 100 points to "hana"
    Then it is refused as Forbidden, naming ""
    And nothing more is booked

  Scenario: A frozen account neither gives nor takes
    Given the operator freezes the account of "hana"
    When "hana" moves 1 points to "taro"
    Then it is refused as Conflict, naming "/legs"
    And nothing more is booked

  Scenario: What was booked is taken back by another posting, and never changed
    Given "hana" moves 30 points to "taro", and asks for the same once more
    When the operator takes it back
    Then "hana" has 100 points
    And "taro" has 0 points
    And the auditor finds 3 postings, of which no one was changed
    When the operator takes it back
    Then the auditor finds 3 postings, of which no one was changed

  Scenario: The hub shows an account to its owner alone, and nobody writes it there
    When "hana" moves 30 points to "taro", and asks for the same once more
    Then the hub shows "hana" a balance of 70
    And the hub shows "taro" no account of "hana"
    When "yamada" writes a balance of 1000 into the entity of the account of "hana"
    Then it is refused as Forbidden, naming "/type"
    And the hub shows "hana" a balance of 70

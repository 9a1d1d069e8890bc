@own
Feature: Parcel lockers
  A parcel of any carrier waits in a locker for who fetches it. Codes are told once, and are nowhere in clear.

  Background:
    Given a locker with a small, a large and a chilled compartment
    And "hana" lets "carrier" leave parcels for her

  Scenario: A parcel comes, and is fetched
    Given "hana" has what becomes of it sent over MQTT
    When "carrier" reserves a place of "sizeS" for "hana"
    Then it is "parcelAccepted" in "small", and in no other
    When the locker is told the code of "carrier"
    Then it opens for "deposit"
    And over MQTT comes "deliveryState" "deposited"
    When "hana" asks for a PIN
    And the locker is told the PIN
    Then it opens for "pickup"
    And it is "parcelHandedOver", and nothing lies in "small" after 3 minutes

  Scenario: The locker missed the answer and asks again
    Given "carrier" deposited a parcel of "sizeS" for "hana"
    When "hana" asks for a PIN
    And the locker is told the PIN
    And the locker is told the PIN
    Then it opens for "pickup"
    When 3 minutes go by
    And the locker is told the PIN
    Then it is refused as Forbidden, naming "/code"
    And it was handed over once, and not twice

  Scenario: The same request keeps one place
    When "carrier" reserves a place of "sizeS" for "hana"
    And "carrier" reserves a place of "sizeS" for "hana"
    Then it is "parcelAccepted" in "small", and in no other
    When "carrier" reserves a place of "sizeL" for "hana"
    Then it is refused as Conflict, naming "Idempotency-Key"

  Scenario: No place is free
    Given "carrier" deposited a parcel of "sizeL" for "hana"
    When "hana" reserves a place of "sizeL" for herself
    Then it is refused as Conflict, naming "/size"

  Scenario: Who did not allow it gets no parcels, and is not told from nobody
    When "carrier" reserves a place of "sizeS" for "taro"
    Then it is refused as Forbidden, naming "/recipient"
    When "carrier" reserves a place of "sizeS" for "nobody"
    Then it is refused as Forbidden, naming "/recipient"

  Scenario: Wrong codes shut the door for a while
    Given "carrier" deposited a parcel of "sizeS" for "hana"
    When "hana" asks for a PIN
    And the locker is told a wrong code 5 times
    And the locker is told the PIN
    Then it is refused as Forbidden, naming "/compartment"
    When 16 minutes go by
    And the locker is told the PIN
    Then it opens for "pickup"
    And it was handed over once, and not twice

  Scenario: What is not fetched goes back
    Given "carrier" deposited a parcel of "sizeS" for "hana"
    When 4321 minutes go by
    Then it is "parcelOverdue" in "small", and in no other
    When "carrier" asks for a code
    And the locker is told the code of "carrier"
    Then it opens for "return"
    And it is "parcelReturned", and nothing lies in "small" after 3 minutes

  Scenario: What does not come keeps no place
    When "carrier" reserves a place of "sizeS" for "hana"
    And 1441 minutes go by
    Then it is "parcelFailed", and nothing lies in "small" after 3 minutes

  Scenario: Codes are nowhere
    Given "carrier" deposited a parcel of "sizeS" for "hana"
    When "hana" asks for a PIN
    Then neither the hub nor a table holds the PIN

  Scenario: Parcels of others are nobody's business
    Given "carrier" deposited a parcel of "sizeS" for "hana"
    When "taro" asks for a PIN
    Then it is refused as ResourceNotFound, naming "/delivery"
    And the hub does not show it to "taro"

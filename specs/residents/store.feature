@own
Feature: The store of one's own
  A resident sees everything that is held about them and who got it, puts it right, takes it along, shares it for a
  while, and has it erased with a certificate that names every place.

  Background:
    Given the pulse of "hana" was measured three times
    And the pulse of "ken" was measured

  Scenario: Everything is seen, and nothing of others
    When "hana" looks at her store
    Then she reads her pulse with its label in Japanese and English
    And she reads nothing of "ken"
    And she reads the three values that it had

  Scenario: Nobody else gets in
    When "ken" looks at the store of "hana"
    Then it is refused as Forbidden
    When the clinic looks at the store
    Then it is refused as Forbidden
    When "ken" asks for the entity of "hana"
    Then it is refused as ResourceNotFound

  Scenario: Who got what, and for what benefit
    Given "hana" has consented to the pulse for the clinic
    When the clinic reads the pulse of "hana"
    And "hana" looks who got what
    Then she reads the clinic, the purpose, the pulse and the benefit
    And she reads nothing of "ken"

  Scenario Outline: It is taken along
    When "hana" takes her data along as <form>
    Then it is <type> and has her pulse
    And she reads nothing of "ken"

    Examples:
      | form   | type                  |
      | jsonld | application/ld+json   |
      | csv    | text/csv              |
      | fhir   | application/fhir+json |

  Scenario: A value is put right, and it is seen that it was
    When "hana" corrects her pulse to 61
    Then her pulse is 61, corrected by herself
    And she reads nothing of "ken"

  Scenario: A share is opened with its code, and closed at once
    When "hana" shares her pulse for a day
    Then whoever has the code reads her pulse, and nothing else
    And she sees that it was opened
    When she closes the share
    Then the code opens nothing any more

  Scenario: A share ends by the clock
    When "hana" shares her pulse for a day
    And 25 hours go by
    Then the code opens nothing any more

  Scenario: A share for ever is refused
    When "hana" shares her pulse for 60 days
    Then it is refused as BadRequestData

  Scenario: Who leaves is erased everywhere, and has it in writing
    Given "hana" has consented to the pulse for the clinic
    When "hana" has herself erased
    Then nothing of "hana" is found any more
    And the certificate names every place, what is kept and why
    And the clinic was asked to delete its copy
    And the certificate is signed by this hub

  Scenario: Nobody is erased by mistake
    When "hana" has herself erased without confirming it
    Then it is refused as BadRequestData
    When "ken" has "hana" erased
    Then it is refused as Forbidden
    And the pulse of "hana" is still there

  Scenario: An erasure is reserved
    When "hana" reserves her erasure for the day after tomorrow
    Then the pulse of "hana" is still there
    When 49 hours go by
    Then nothing of "hana" is found any more

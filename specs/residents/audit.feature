@own
Feature: The audit
  What leaves the hub about persons is written down before it leaves, without the values; nothing of it can be changed
  unseen, and everybody sees what was told of them.

  Background:
    Given the pulse of "hana" and of "taro" was measured
    And "hana" has consented to the pulse for the clinic

  Scenario: Who got what, for what purpose, by which consent, and no value
    When the clinic reads the pulse of "hana"
    Then the auditor finds that the clinic got the pulse of "hana" once, for health advice, by her consent
    And no value stands in the audit

  Scenario: What nobody got is not written down
    When the clinic asks for the pulse of "taro"
    Then it is refused as ResourceNotFound
    When "taro" reads his own pulse
    Then the auditor finds that nobody got anything

  Scenario: After a withdrawal nothing more is given, and what was given stays written
    When the clinic reads the pulse of "hana"
    And "hana" withdraws
    And the clinic asks for the pulse of "hana"
    Then it is refused as ResourceNotFound
    And the auditor finds that the clinic got the pulse of "hana" once, for health advice, by her consent

  Scenario: Everybody sees what was told of them, and of nobody else
    When the clinic reads the pulse of "hana"
    Then "hana" reads that the clinic got her pulse
    And "taro" reads that nobody got anything of his
    When "taro" asks what was told of "hana"
    Then it is refused as Forbidden

  Scenario: Nobody but the auditor looks into it
    When "yamada" looks into the audit
    Then it is refused as Forbidden
    When "clinic" looks into the audit
    Then it is refused as Forbidden
    When "hana" looks into the audit
    Then it is refused as Forbidden
    When "" looks into the audit
    Then it is refused as Unauthorized

  Scenario: What was told of oneself is proven, as soon as the root is signed
    Given the clinic reads the pulse of "hana"
    When "hana" has it proven
    Then it is refused as ResourceNotFound
    When the auditor has a root signed
    And "hana" has it proven
    Then the proof leads to the signed root
    When "taro" has it proven
    Then it is refused as ResourceNotFound

  Scenario: Everybody can look whether the chain goes on where it was
    Given the auditor has a root signed
    And the clinic reads the pulse of "hana"
    And the auditor has a root signed
    When somebody asks whether the second root goes on where the first was
    Then it does
    When somebody asks whether the first root goes on where the second was
    Then it is refused as BadRequestData
    When somebody asks about a root that was never signed
    Then it is refused as ResourceNotFound

  Scenario: Who is erased stands in it no longer, and the chain is whole
    Given the clinic reads the pulse of "hana"
    When "hana" has herself erased
    Then the auditor finds that nobody got anything
    And the chain is whole

  Scenario: What is changed behind its back is found
    Given the clinic reads the pulse of "hana"
    When somebody changes in the file to whom it was told
    Then the chain is not whole

  Scenario: What cannot be written down does not leave
    Given the audit takes nothing any more
    When the clinic asks for the pulse of "hana"
    Then the answer is 503, and the pulse is not in it
    And "hana" still reads her own pulse

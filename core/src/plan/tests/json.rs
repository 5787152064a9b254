//! What programs read: names are added and never changed.

use super::*;

#[test]
fn names_in_json_are_stable() {
    let mut plan = margaret();
    plan.decide(
        Section::Cpr,
        "Dr Amy Bell",
        12,
        Some("Dr Carl Dent"),
        &[("cpr.decision", "not-recommended")],
    );
    plan.edit("Jo", Role::Nurse, 1, Source::Person, &[("contact/00000000000000aa/name", "Dan")]);
    let mut view = plan.view();
    view.sections.retain(|section| [1, 3, 14].contains(&section.number));
    view.sections[0].fields.truncate(1);
    expect![[r#"
        {
          "kind": "full",
          "version": "b2dd195231c5ca5599b091522b39a3bda191cf9a771c2d39375fa20a29bb87a1",
          "banner": {
            "family": "OKAFOR",
            "given": "Margaret Rose",
            "title": "Mrs",
            "born": "01-Jan-1940",
            "born_date": "1940-01-01",
            "age_years": 86,
            "gender": "Female",
            "nhs_number": "943 476 5919",
            "nhs_number_wrong": false,
            "deceased": false,
            "died": null,
            "death_notice": null,
            "death_notice_date": null,
            "parts": [
              "OKAFOR, Margaret Rose (Mrs)",
              "born 01-Jan-1940 (86y)",
              "Female",
              "NHS No. 943 476 5919"
            ]
          },
          "glass": null,
          "as_of": {
            "now": "2026-11-22T09:14:00Z",
            "last_contact": "2026-11-22T09:14:00Z",
            "text": "As of 22-Nov-2026 09:14"
          },
          "control": {
            "status": "draft",
            "status_text": "Draft",
            "reason": null,
            "marked_by": null,
            "created": "2026-10-13",
            "amended": null,
            "review_date": "2027-01-13",
            "reviewer": null,
            "first_approver": null,
            "latest_approver": null
          },
          "alerts": [
            {
              "kind": "cpr-not-discussed",
              "severity": "warning",
              "text": "The CPR decision is not recorded as discussed with the person",
              "action": "Talk about it, or record why that was not possible"
            },
            {
              "kind": "cpr-capacity-missing",
              "severity": "warning",
              "text": "Whether the person had capacity for the CPR decision is not recorded",
              "action": "Assess capacity for this decision and record it"
            },
            {
              "kind": "no-place-of-death",
              "severity": "warning",
              "text": "No preferred place of death recorded",
              "action": "Ask, and record the answer, or that it was declined"
            },
            {
              "kind": "not-approved",
              "severity": "note",
              "text": "Nobody has approved this plan",
              "action": "Ask a clinician who may approve to go through it"
            }
          ],
          "consents": [],
          "sections": [
            {
              "number": 1,
              "name": "identity",
              "title": "Identity",
              "fields": [
                {
                  "key": "identity.family",
                  "label": "Family name",
                  "values": [
                    {
                      "text": "Okafor",
                      "answer": "text",
                      "code": null,
                      "system": null,
                      "date": null,
                      "heard_from": "record",
                      "confirmed": null,
                      "correction": false,
                      "kept_in": null,
                      "by": {
                        "author": "Ada Import",
                        "role": "nurse",
                        "organisation": "Meadow Hospice",
                        "ods": "RX9",
                        "time": "2026-10-23T09:14:00Z",
                        "relay_time": null,
                        "day": "23-Oct-2026",
                        "entry": "0101010101010101010101010101010101010101010101010101010101010101"
                      },
                      "with": []
                    }
                  ]
                }
              ],
              "lists": [],
              "decisions": [],
              "in_conflict": false,
              "unapproved": 0,
              "review": {
                "state": "not-reviewed",
                "text": "Not yet reviewed",
                "approved_by": null
              }
            },
            {
              "number": 3,
              "name": "contacts",
              "title": "Contacts",
              "fields": [],
              "lists": [
                {
                  "list": "contact",
                  "items": [
                    {
                      "id": "00000000000000aa",
                      "ended": false,
                      "in_error": false,
                      "kept_in": null,
                      "fields": [
                        {
                          "key": "contact/00000000000000aa/name",
                          "label": "Name",
                          "values": [
                            {
                              "text": "Dan",
                              "answer": "text",
                              "code": null,
                              "system": null,
                              "date": null,
                              "heard_from": "person",
                              "confirmed": null,
                              "correction": false,
                              "kept_in": null,
                              "by": {
                                "author": "Jo",
                                "role": "nurse",
                                "organisation": "Meadow Hospice",
                                "ods": "RX9",
                                "time": "2026-11-21T09:14:00Z",
                                "relay_time": null,
                                "day": "21-Nov-2026",
                                "entry": "0404040404040404040404040404040404040404040404040404040404040404"
                              },
                              "with": []
                            }
                          ]
                        }
                      ]
                    }
                  ]
                }
              ],
              "decisions": [],
              "in_conflict": false,
              "unapproved": 0,
              "review": {
                "state": "not-reviewed",
                "text": "Not yet reviewed",
                "approved_by": null
              }
            },
            {
              "number": 14,
              "name": "cpr",
              "title": "Resuscitation (CPR)",
              "fields": [],
              "lists": [],
              "decisions": [
                {
                  "entry": "0202020202020202020202020202020202020202020202020202020202020202",
                  "fields": [
                    {
                      "key": "cpr.decision",
                      "label": "CPR",
                      "values": [
                        {
                          "text": "CPR not recommended",
                          "answer": "coded",
                          "code": "450476008",
                          "system": "http://snomed.info/sct",
                          "date": null,
                          "heard_from": "person",
                          "confirmed": null,
                          "correction": false,
                          "kept_in": null,
                          "by": null,
                          "with": []
                        }
                      ]
                    }
                  ],
                  "lists": [],
                  "kept_in": null,
                  "by": {
                    "author": "Dr Amy Bell",
                    "role": "doctor",
                    "organisation": "Meadow Hospice",
                    "ods": "RX9",
                    "time": "2026-11-10T09:14:00Z",
                    "relay_time": null,
                    "day": "10-Nov-2026",
                    "entry": "0202020202020202020202020202020202020202020202020202020202020202"
                  },
                  "endorsed": true,
                  "endorsed_by": [
                    {
                      "author": "Dr Carl Dent",
                      "role": "doctor",
                      "organisation": "Meadow Hospice",
                      "ods": "RX9",
                      "time": "2026-11-11T09:14:00Z",
                      "relay_time": null,
                      "day": "11-Nov-2026",
                      "entry": "0303030303030303030303030303030303030303030303030303030303030303"
                    }
                  ],
                  "approved": false,
                  "current": true
                }
              ],
              "in_conflict": false,
              "unapproved": 0,
              "review": {
                "state": "not-reviewed",
                "text": "Not yet reviewed",
                "approved_by": null
              }
            }
          ],
          "held": 0,
          "waiting": 0,
          "unreadable": 0,
          "left_out": 0,
          "shared_only": false
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&view).unwrap());
}

//! What a broken constraint means to the person whose change broke it. Every unique, exclusion, foreign-key and check
//! constraint has a name, and a test fails for one that is not listed here.

use crate::request::{DoorRule, Problem, ProblemKind, out_of_scope};

enum Meaning {
    /// It clashes with what is registered.
    Clash,
    /// A field breaks a rule.
    Field(&'static str),
    /// It lies outside of what the caller may edit.
    OutOfScope,
    /// It can only break through a fault of ours.
    Ours,
}

/// The refusal that a database error stands for, where it is one.
#[must_use]
pub fn refusal_of(error: &sqlx::Error) -> Option<Problem> {
    let error = error.as_database_error()?;
    let constraint = error.constraint()?;
    let (meaning, words) = meaning_of(constraint)?;
    let problem = match meaning {
        Meaning::Clash => Problem::new(ProblemKind::Conflict, words)
            .remedy("read what is registered now, and change that or leave it"),
        Meaning::Field("geometry") => Problem::invalid("geometry", words)
            .remedy("correct the shape; a file import mends small faults by itself and keeps both shapes"),
        Meaning::Field(field) => Problem::invalid(field, words).remedy("correct the field and send it again"),
        Meaning::OutOfScope => return Some(out_of_scope()),
        Meaning::Ours => return None,
    };
    let problem = problem.code(constraint);
    Some(match door_rule_of(constraint) {
        None => problem,
        Some(rule) => problem.breaks(rule, evidence_of(constraint, error)),
    })
}

/// The rule of the list that a constraint keeps.
fn door_rule_of(constraint: &str) -> Option<DoorRule> {
    match constraint {
        "title_version_unit_code_form" => Some(DoorRule::UnitCodeForm),
        "title_version_one_per_unit" => Some(DoorRule::UnitCodeOnce),
        "spatial_unit_version_geometry_sound" | "region_version_geometry_sound" => Some(DoorRule::SoundShape),
        "title_version_dates_in_order" => Some(DoorRule::DatesInOrder),
        "title_case_version_four_eyes"
        | "rent_relief_version_four_eyes"
        | "stocktaking_version_four_eyes"
        | "stocktaking_line_version_four_eyes"
        | "inspection_version_four_eyes"
        | "inspection_finding_version_four_eyes" => Some(DoorRule::FourEyes),
        _ => None,
    }
}

/// The values that clash, where the database tells them: `Key (firm_code, valid)=(43…, […)) conflicts with …`.
fn evidence_of(constraint: &str, error: &(dyn sqlx::error::DatabaseError + 'static)) -> serde_json::Value {
    let clash = (constraint == "title_version_one_per_unit")
        .then(|| {
            let detail = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.detail()?;
            let (_, values) = detail.split_once(")=(")?;
            values.split_once(',').map(|(unit_code, _)| unit_code.to_owned())
        })
        .flatten();
    match clash {
        Some(unit_code) => serde_json::json!({"unit_code": unit_code}),
        None => serde_json::json!({"constraint": constraint}),
    }
}

fn meaning_of(constraint: &str) -> Option<(Meaning, &'static str)> {
    use Meaning::{Clash, Field, Ours, OutOfScope};
    Some(match constraint {
        "region_version_one_at_a_time"
        | "unit_version_one_at_a_time"
        | "room_version_one_at_a_time"
        | "occupant_version_one_at_a_time"
        | "listed_right_version_one_at_a_time"
        | "spatial_unit_version_one_at_a_time" => (
            Clash,
            "somebody changed the same object at the same moment; read it again and repeat the change",
        ),
        "region_version_one_per_code" => (Clash, "a region with this code is registered for these days already"),
        "unit_version_one_per_code" => (Clash, "a unit with this code is registered for these days already"),
        "room_version_one_per_number" => (
            Clash,
            "a room with this number is registered on this floor of the building already",
        ),
        "region_version_one_per_source"
        | "unit_version_one_per_source"
        | "room_version_one_per_source"
        | "listed_right_version_one_per_source"
        | "spatial_unit_one_per_source" => (
            Clash,
            "an object with this source key is registered in the data set already",
        ),
        "spatial_unit_relation_once" => (Clash, "the two are connected already in these days"),
        "region_version_code_form" => (
            Field("code"),
            "a GB/T 2260 code has 2, 4 or 6 digits, statistical codes below it 9 or 12",
        ),
        "unit_version_code_given" => (Field("code"), "a unit needs a code"),
        "region_version_name_given" | "unit_version_name_given" => (Field("name"), "the name is missing"),
        "room_version_room_type_known" => (Field("room_type"), "the type is not one of the list"),
        "room_version_purpose_of_type" => (Field("purpose"), "a purpose belongs to a type"),
        "room_version_not_own_part" => (Field("part_of_id"), "nothing is a part of itself"),
        "room_version_part_of_fkey" => (Field("part_of_id"), "the office is not registered"),
        "occupant_version_person_given" => (Field("person"), "the name is missing"),
        "occupant_version_rank_given" => (Field("rank"), "the rank is missing"),
        "occupant_version_post_known" => (Field("post"), "a post is main or part_time"),
        "occupant_version_area_positive" => (Field("approved_area_m2"), "an area is not negative"),
        "occupant_version_room_fkey" => (Field("room_id"), "the room is not registered"),
        "occupant_version_unit_fkey" => (Field("unit_id"), "the unit is not registered"),
        "room_version_number_given" => (Field("number"), "a room needs its number"),
        "region_version_level_known" | "unit_version_level_known" => {
            (Field("level"), "the level is not one of the list")
        }
        "unit_version_kind_known" => (Field("kind"), "the kind is not one of the list"),
        "unit_version_headcount_object" => (Field("headcount"), "the headcount maps ranks to numbers"),
        "region_version_not_own_parent" | "unit_version_not_own_parent" => {
            (Field("parent_id"), "nothing is its own parent")
        }
        "region_version_parent_fkey" | "unit_version_parent_fkey" => {
            (Field("parent_id"), "the parent is not registered")
        }
        "spatial_unit_version_unit_fkey" | "room_version_unit_fkey" => (Field("unit_id"), "the unit is not registered"),
        "room_version_building_fkey" => (Field("building_id"), "the building is not registered"),
        "spatial_unit_relation_upper_fkey" | "spatial_unit_relation_lower_fkey" => {
            (Field("related_id"), "the object to connect with is not registered")
        }
        "spatial_unit_relation_two_ends" => (Field("related_id"), "nothing is connected with itself"),
        "region_version_valid_bounded"
        | "unit_version_valid_bounded"
        | "room_version_valid_bounded"
        | "occupant_version_valid_bounded"
        | "listed_right_version_valid_bounded"
        | "spatial_unit_version_valid_bounded"
        | "spatial_unit_relation_valid_bounded" => (Field("valid_from"), "the period ends before it begins"),
        "spatial_unit_version_title_status_known" => {
            (Field("title_status"), "the registration status is not one of the list")
        }
        "spatial_unit_version_usage_known" | "listed_right_version_usage_known" => {
            (Field("usage"), "the usage is not one of the list")
        }
        "spatial_unit_version_occupancy_known" | "room_version_occupancy_known" => {
            (Field("occupancy"), "the occupancy is not one of the list")
        }
        "spatial_unit_version_level_known" => (Field("admin_level"), "the level is not one of the list"),
        "spatial_unit_version_secrecy_known" => (Field("secrecy"), "the secrecy is not one of the list"),
        "spatial_unit_version_classified_without_shape" => (
            Field("geometry"),
            "what is classified has no shape in this registry (GEO-15)",
        ),
        // No constraint of a table: the triggers that judge who writes where.
        "scope_refused" => (OutOfScope, ""),
        "spatial_unit_version_idle_since_idle" => (Field("idle_since"), "only what is idle is idle since a day"),
        "spatial_unit_version_area_positive" | "room_version_area_positive" | "listed_right_version_area_positive" => {
            (Field("area"), "an area is not negative")
        }
        "spatial_unit_version_parcel_columns" => (
            Field("unit_code"),
            "real-estate unit code and land use belong to parcels",
        ),
        "spatial_unit_version_building_columns" => (
            Field("floors_above"),
            "storeys, structure and year of completion belong to buildings",
        ),
        "spatial_unit_version_floors_sane" => (
            Field("floors_above"),
            "storeys are 0 to 300 above and 0 to 30 below ground",
        ),
        "room_version_floor_sane" => (Field("floor"), "a floor is -30 to 300"),
        "spatial_unit_version_land_use_whole" => (
            Field("land_use_scheme"),
            "a land-use code needs its edition (GB21010-2017, GB21010-2007, YDYH-2023)",
        ),
        "spatial_unit_version_geometry_sound" | "region_version_geometry_sound" => {
            (Field("geometry"), "the shape crosses itself or is not closed")
        }
        "spatial_unit_version_geometry_kind" => (
            Field("geometry"),
            "parcels and buildings are polygons; a site may be a point",
        ),
        "dataset_name_form" => (
            Field("dataset"),
            "a data set's name has 1 to 80 characters, no slash and no blank in front",
        ),
        "finding_exception_by_another" => (
            Field("owner"),
            "whoever sees to a finding can't be the one who declared it an exception",
        ),
        "import_mapping_one_per_name" => (Clash, "somebody saved a mapping of that name at the same moment"),
        "import_mapping_name_form" => (
            Field("name"),
            "a mapping's name has 1 to 80 characters, no slash and no blank in front",
        ),
        "person_one_per_username" => (Clash, "an account of this name is there already"),
        "person_username_form" => (
            Field("username"),
            "a name to sign in with has 2 to 64 characters, in lower case and without blanks",
        ),
        "person_display_name_given" => (Field("display_name"), "the name is missing"),
        "person_token_name_given" => (Field("name"), "say what the token is for"),
        "person_token_expires_later" => (Field("expires_on"), "the token would have expired before it is made"),
        "person_grant_role_known" => (Field("role"), "the role is not one of the list"),
        "person_grant_region_form" => (Field("region_code"), "a region's code, or all for the whole registry"),
        "person_grant_level_known" => (Field("level"), "the level is not one of the list"),
        "person_grant_unit_fkey" => (Field("unit_id"), "the unit is not registered"),
        "person_grant_until_after_since" => (Field("until"), "the grant ends before it begins"),
        "person_grant_not_to_oneself" => (Clash, "nobody grants a role to themselves"),
        "person_grant_once" => (Clash, "the person holds this role there already"),
        "person_identity_one_person" => (Clash, "somebody else's account is linked to this subject"),
        "person_identity_one_subject" => (Clash, "the account is linked already"),
        "person_identity_subject_form" => (Field("subject"), "a subject is 1 to 255 letters, digits and signs"),
        "import_layer_known" => (Field("layer"), "the layer is not one of the list"),
        "title_version_one_at_a_time" | "encumbrance_version_one_at_a_time" | "title_case_version_one_at_a_time" => (
            Clash,
            "somebody changed the same object at the same moment; read it again and repeat the change",
        ),
        "title_version_one_per_unit" => (
            Clash,
            "a current title with this real-estate unit code is registered for these days already (COD-02)",
        ),
        "title_version_one_per_certificate" => (
            Clash,
            "a current title with this certificate number is registered for these days already (COD-10)",
        ),
        "title_extent_no_overlap" => (Clash, "the land reaches into that of another current title (GEO-02)"),
        "title_extent_has_depth" | "title_extent_core_is_whole" => (
            Field("parcel_ids"),
            "the parcel's shape is too thin or too ragged to be anybody's land: parts of it are narrower than two centimetres",
        ),
        "title_version_parcel_fkey" => (Field("parcel_ids"), "one of the parcels is not registered"),
        "title_version_building_fkey" => (Field("building_ids"), "one of the buildings is not registered"),
        "title_version_valid_bounded" | "encumbrance_version_valid_bounded" | "title_case_version_valid_bounded" => {
            (Field("valid_from"), "the period ends before it begins")
        }
        "title_version_current_has_papers" => (Field("evidence"), "a current title has a certificate"),
        "title_version_unit_code_form" => (Field("unit_code"), "a unit code has the form of GB/T 37346"),
        "title_version_shares_agree" => (Field("holders"), "the shares don't make up the whole"),
        "title_version_land_use_whole" => (
            Field("land_use_scheme"),
            "a land-use code needs its edition (GB21010-2017, GB21010-2007, YDYH-2023)",
        ),
        "title_version_area_positive" => (Field("land_area_m2"), "an area is not negative"),
        "title_version_term_in_order" => (Field("term_to"), "the term ends before it begins"),
        "title_version_dates_in_order" => (
            Field("recorded_on"),
            "acceptance, recording and issue follow each other in this order (TTL-20)",
        ),
        "encumbrance_version_title_fkey" => (Field("title_id"), "the title is not registered"),
        "encumbrance_version_holder_given" => (Field("holder"), "an encumbrance has a holder"),
        "encumbrance_version_document_given" => (Field("document"), "an encumbrance rests on a document"),
        "encumbrance_version_amount_positive" => (Field("amount"), "an amount is not negative"),
        "encumbrance_version_one_per_place" => {
            (Clash, "another seizure took this place in the queue at the same moment")
        }
        "succession_version_numbers" | "succession_version_none_its_own_heir" => (
            Field("pieces"),
            "one becomes several others, or several become one other",
        ),
        "succession_version_survey_given" => (Field("survey"), "a split or merge rests on a survey"),
        "succession_pkey"
        | "succession_version_pkey"
        | "succession_version_object_fkey"
        | "succession_version_case_fkey"
        | "succession_version_valid_bounded"
        | "succession_version_recorded_bounded"
        | "succession_version_kind_known"
        | "succession_version_object_kind_known"
        | "succession_version_one_at_a_time" => (Ours, ""),
        "idle_record_version_one_at_a_time" => (
            Clash,
            "somebody changed the same object at the same moment; read it again and repeat the change",
        ),
        "idle_record_thing_one_record" => (Clash, "it is recorded as idle for these days already"),
        "idle_record_version_valid_bounded" => (Field("valid_to"), "the period ends before it begins"),
        "idle_record_version_asset_fkey" => (Field("asset_id"), "the asset is not registered"),
        "idle_record_version_other_said" => (Field("cause_note"), "another cause is said in words"),
        "idle_record_version_evidence_given" => (Field("evidence"), "an idle record rests on evidence"),
        "idle_record_pkey"
        | "idle_record_version_pkey"
        | "idle_record_version_object_fkey"
        | "idle_record_version_recorded_bounded"
        | "idle_record_version_cause_known"
        | "idle_record_version_confirmed_by_given"
        | "idle_record_version_of_something"
        | "idle_record_version_end_whole"
        | "idle_record_version_occupancy_after_known"
        | "idle_record_thing_pkey"
        | "idle_record_thing_version_fkey" => (Ours, ""),
        "title_case_version_one_per_asset" => (Clash, "a case about this asset is pending already"),
        "title_case_version_one_per_unit" => (Clash, "a case about this real-estate unit is pending already"),
        "title_case_version_four_eyes" => (Clash, "whoever put a case forward can't review it too (GOV-01)"),
        "title_case_version_asset_fkey" => (Field("asset_id"), "the asset is not registered"),
        "title_case_version_title_fkey" => (Field("title_id"), "the title is not registered"),
        "policy_case_version_one_at_a_time"
        | "approval_threshold_version_one_at_a_time"
        | "rule_parameter_version_one_at_a_time"
        | "use_agreement_version_one_at_a_time"
        | "use_filing_version_one_at_a_time" => (
            Clash,
            "somebody changed the same object at the same moment; read it again and repeat the change",
        ),
        "policy_case_version_one_per_asset" => (Clash, "a policy case about this asset is open already (DSP-21)"),
        "policy_case_version_four_eyes" => (Clash, "whoever put a case forward can't judge it too (GOV-01)"),
        "policy_case_version_two_bureaus" => (
            Clash,
            "whoever accepts it for one bureau doesn't propose it for the other (GOV-01)",
        ),
        "policy_case_version_asset_fkey" => (Field("asset_id"), "the asset is not registered"),
        "policy_case_version_offered_to_fkey" => (Field("receiver_id"), "the unit is not registered"),
        "policy_case_version_unit_fkey" => (Field("unit_id"), "the unit is not registered"),
        "policy_case_version_unit_placed" => (Field("unit_id"), "the unit has no region"),
        "calendar_notice_version_once" => (
            Clash,
            "这一年的放假安排已经登记，请更正原有的一条 / the notice of this year is recorded already; correct that one",
        ),
        "calendar_notice_version_year_sane" | "calendar_notice_version_valid_is_year" => {
            (Field("year"), "a year is 2000 to 2100")
        }
        "calendar_notice_version_source_given" => (Field("source"), "say which notice, and of which day"),
        "calendar_notice_version_off_given" => (Field("off"), "a year has 1 to 100 days off"),
        "calendar_notice_version_worked_sane" => (Field("worked"), "a day is off and worked at once"),
        "approval_threshold_version_no_overlap" => (
            Clash,
            "a row of thresholds covers some of these values in this region already",
        ),
        "policy_case_version_valid_bounded"
        | "approval_threshold_version_valid_bounded"
        | "rule_parameter_version_valid_bounded"
        | "use_agreement_version_valid_bounded"
        | "use_filing_version_valid_bounded" => (Field("valid_from"), "the period ends before it begins"),
        "meter_version_once" => (
            Clash,
            "somebody brought a reading for some of these days at the same moment; read them again",
        ),
        "meter_version_building_fkey" => (Field("building_id"), "the building is not registered"),
        "meter_version_utility_known" => (Field("utility"), "it is none of electricity, water, gas and heat"),
        "meter_version_quantity_positive" => (Field("quantity"), "it is less than 0"),
        "meter_version_source_given" => (Field("source"), "it is missing"),
        "meter_pkey"
        | "meter_version_pkey"
        | "meter_version_object_fkey"
        | "meter_version_valid_bounded"
        | "meter_version_recorded_bounded" => (Ours, ""),
        "use_agreement_version_one_per_certificate" => (Clash, "a use certificate with this number was issued already"),
        "use_filing_version_one_a_year" => (Clash, "the unit's filing of that kind and year is entered already"),
        "use_filing_version_not_before_its_year" => (Field("year"), "the year had not begun on that day"),
        "use_filing_version_document_given" => (Field("document"), "it is missing"),
        "use_filing_version_year_sane" => (Field("year"), "it is no year of a filing"),
        "use_agreement_version_unit_fkey" | "use_filing_version_unit_fkey" => {
            (Field("unit_id"), "the unit is not registered")
        }
        "use_agreement_version_rooms_given" => (Field("room_ids"), "no room is named"),
        "use_agreement_version_purpose_given" => (Field("purpose"), "it is missing"),
        "use_agreement_version_area_positive" => (Field("approved_area_m2"), "it must be more than 0"),
        "use_agreement_version_ends_after" => (Field("ends_on"), "it ends before it begins"),
        "rule_parameter_version_no_overlap" => (
            Clash,
            "this region has a value of this parameter already; change that one",
        ),
        "rule_parameter_version_region_form" => (Field("region_code"), "it is no region's code"),
        "rule_parameter_version_name_form" => (Field("name"), "no parameter is called so"),
        "rule_parameter_version_value_finite" => (Field("value"), "it is out of bounds"),
        "rule_parameter_version_source_given" => (Field("source"), "say where it is said"),
        "approval_threshold_version_region_form" => (Field("region_code"), "it is no region's code"),
        "approval_threshold_version_value_in_order" => (Field("value_to"), "the values are not in order"),
        "approval_threshold_version_chain_known" => (Field("chain"), "an office is not one of the list"),
        "approval_threshold_version_notice_sane" => (Field("notice_days"), "a notice lasts 0 to 365 days"),
        "approval_threshold_version_floor_sane" => (Field("floor_percent"), "a share is 0 to 100 per cent"),
        "approval_threshold_version_source_given" => (Field("source"), "say where it is said"),
        "policy_case_pkey"
        | "policy_case_version_pkey"
        | "policy_case_version_object_fkey"
        | "policy_case_version_definition_fkey"
        | "policy_case_version_recorded_bounded"
        | "policy_case_version_procedure_known"
        | "policy_case_version_of_something"
        | "policy_case_version_offered_by_somebody"
        | "policy_case_version_accepted_offer"
        | "policy_case_version_handed_from_known"
        | "policy_case_version_opened_by_given"
        | "policy_case_version_money_positive"
        | "use_agreement_pkey"
        | "use_agreement_version_pkey"
        | "use_agreement_version_object_fkey"
        | "use_agreement_version_recorded_bounded"
        | "use_agreement_version_status_known"
        | "use_agreement_version_registration_known"
        | "use_agreement_version_signed_whole"
        | "use_agreement_version_certified_whole"
        | "use_filing_pkey"
        | "use_filing_version_pkey"
        | "use_filing_version_object_fkey"
        | "use_filing_version_recorded_bounded"
        | "use_filing_version_kind_known"
        | "rule_parameter_pkey"
        | "rule_parameter_version_pkey"
        | "rule_parameter_version_object_fkey"
        | "rule_parameter_version_recorded_bounded"
        | "approval_threshold_pkey"
        | "approval_threshold_version_pkey"
        | "approval_threshold_version_object_fkey"
        | "approval_threshold_version_recorded_bounded"
        | "calendar_notice_pkey"
        | "calendar_notice_version_pkey"
        | "calendar_notice_version_object_fkey"
        | "calendar_notice_version_recorded_bounded"
        | "approval_threshold_version_mode_known"
        | "approval_threshold_version_class_known" => (Ours, ""),
        "housing_tenancy_version_one_per_home" => (
            Clash,
            "这套房已有人租住，请先办理退出 / somebody lives in this home in these days; let them exit first",
        ),
        "policy_case_version_one_housing_case" => {
            (Clash, "a case that makes it turnover housing is open already (DSP-21)")
        }
        "housing_tenancy_version_one_at_a_time" => (
            Clash,
            "somebody changed the same object at the same moment; read it again and repeat the change",
        ),
        "housing_tenancy_version_valid_bounded" => (Field("on"), "the tenancy ends before it begins"),
        "housing_tenancy_version_room_fkey" => (Field("room_id"), "the home is not registered"),
        "housing_tenancy_version_unit_fkey" => (Field("unit_id"), "the unit is not registered"),
        "housing_tenancy_version_tenant_given" => (Field("tenant_name"), "the tenant has no name"),
        "housing_tenancy_version_eligibility_given" => (Field("eligibility"), "why they are eligible is missing"),
        "housing_tenancy_version_rent_ground_given" => (Field("rent_ground"), "by what the rent was set is missing"),
        "housing_tenancy_version_filing_whole" => (Field("filed_on"), "a filing has a number and a day"),
        "housing_tenancy_version_filing_of_leader" => (Field("filing_number"), "only a leader's home is filed"),
        "housing_tenancy_version_days_in_order" => (Field("ends_on"), "the term ends before it begins"),
        "housing_tenancy_pkey"
        | "housing_tenancy_version_pkey"
        | "housing_tenancy_version_object_fkey"
        | "housing_tenancy_version_recorded_bounded"
        | "housing_tenancy_version_building_fkey"
        | "housing_tenancy_version_lease_fkey"
        | "housing_tenancy_version_exit_whole" => (Ours, ""),
        "lease_version_one_at_a_time"
        | "rent_instalment_version_one_at_a_time"
        | "relief_policy_version_one_at_a_time"
        | "rent_relief_version_one_at_a_time" => (
            Clash,
            "somebody changed the same object at the same moment; read it again and repeat the change",
        ),
        "lease_part_within_area" => (Clash, "more of it would be let than there is in these days"),
        "lease_version_one_of_case" => (Clash, "the case has made its lease already"),
        "lease_version_renewed_once" => (Clash, "that lease is gone on from already"),
        "lease_version_valid_bounded" => (Field("valid_to"), "the period ends before it begins"),
        "lease_version_asset_fkey" => (Field("asset_id"), "the asset is not registered"),
        "lease_version_renews_fkey" | "lease_version_renews_another" => {
            (Field("renews_id"), "the lease that it goes on from is not registered")
        }
        "lease_version_area_positive" => (Field("area_m2"), "an area is more than nothing"),
        "lease_version_days_in_order" => (Field("ends_on"), "the term ends before it begins"),
        "lease_version_size_of_enterprise" => (Field("lessee_size"), "only an enterprise has a size"),
        "lease_version_lessor_given" => (Field("lessor_name"), "the lessor has no name"),
        "lease_version_lessee_given" => (Field("lessee_name"), "the lessee has no name"),
        "rent_movement_version_within_received" => (
            Clash,
            "more would be remitted than came in; remit what came in, or reverse a remittance first",
        ),
        "rent_movement_version_reversed_once" => (Clash, "it is reversed already"),
        "rent_movement_version_amount_positive" => (Field("amount"), "an amount is more than nothing"),
        "rent_relief_version_four_eyes" => (Clash, "whoever applied for relief can't decide it too (GOV-01)"),
        "rent_relief_version_once" => (Clash, "the lease has a relief by this policy already"),
        "relief_policy_version_name_given" => (Field("name"), "the policy has no name"),
        "relief_policy_version_document_given" => (Field("document"), "a policy rests on a document"),
        "relief_policy_version_months_in_order" => (Field("months_to"), "the months end before they begin"),
        "relief_policy_version_months_positive" => (Field("months"), "1 to 36 months are waived"),
        "relief_policy_version_for_somebody" => (Field("sizes"), "nobody would be eligible"),
        "lease_pkey"
        | "lease_version_pkey"
        | "lease_version_object_fkey"
        | "lease_version_recorded_bounded"
        | "lease_version_direction_known"
        | "lease_version_rooms_with_areas"
        | "lease_version_lessor_kind_known"
        | "lease_version_lessee_kind_known"
        | "lease_version_sector_known"
        | "lease_version_rent_positive"
        | "lease_version_end_whole"
        | "lease_version_of_something"
        | "lease_version_unit_fkey"
        | "lease_version_case_fkey"
        | "lease_part_pkey"
        | "lease_part_version_fkey"
        | "rent_instalment_version_pkey"
        | "rent_instalment_version_object_fkey"
        | "rent_instalment_version_valid_bounded"
        | "rent_instalment_version_recorded_bounded"
        | "rent_instalment_version_number_positive"
        | "rent_instalment_version_amount_positive"
        | "rent_instalment_version_due_within_amount"
        | "rent_instalment_version_relief_whole"
        | "rent_instalment_version_relief_fkey"
        | "rent_movement_version_pkey"
        | "rent_movement_version_object_fkey"
        | "rent_movement_version_valid_bounded"
        | "rent_movement_version_recorded_bounded"
        | "rent_movement_version_kind_known"
        | "rent_movement_version_document_given"
        | "rent_movement_version_reversal_whole"
        | "rent_movement_version_reverses_fkey"
        | "rent_movement_version_reverses_alike"
        | "relief_policy_pkey"
        | "relief_policy_version_pkey"
        | "relief_policy_version_object_fkey"
        | "relief_policy_version_valid_bounded"
        | "relief_policy_version_recorded_bounded"
        | "relief_policy_version_sizes_known"
        | "relief_policy_version_sectors_known"
        | "rent_relief_pkey"
        | "rent_relief_version_pkey"
        | "rent_relief_version_object_fkey"
        | "rent_relief_version_policy_fkey"
        | "rent_relief_version_lease_fkey"
        | "rent_relief_version_valid_bounded"
        | "rent_relief_version_recorded_bounded"
        | "rent_relief_version_state_known"
        | "rent_relief_version_of_something"
        | "rent_relief_version_amount_positive"
        | "rent_relief_version_applied_by_given"
        | "rent_relief_version_decision_whole"
        | "rent_relief_version_approved_by_document" => (Ours, ""),
        "stocktaking_version_one_at_a_time" | "stocktaking_line_version_one_known" | "stocktaking_line_numbered" => (
            Clash,
            "somebody changed the same at the same moment; read it again and repeat the change",
        ),
        "stocktaking_version_one_open_per_part" => (
            Clash,
            "该范围已有未办结的盘点 / a stocktaking of this region, level and unit is open already",
        ),
        "stocktaking_hold_one_open" => (
            Clash,
            "部分资产正在另一未办结的盘点中 / another open stocktaking counts some of these assets",
        ),
        "stocktaking_version_four_eyes" => (Clash, "whoever put it forward can't judge it too (GOV-01)"),
        "stocktaking_line_version_four_eyes" => (
            Clash,
            "whoever answered, checked or explained a line can't decide it too (GOV-01)",
        ),
        "stocktaking_line_version_shortfall_stands" => (Clash, "what is missing can't simply be dropped"),
        "stocktaking_version_unit_fkey" | "stocktaking_line_version_found_unit_fkey" => {
            (Field("unit_id"), "the unit is not registered")
        }
        "stocktaking_version_name_given" => (Field("name"), "it has no name"),
        "stocktaking_line_extra_named" => (Field("name"), "it has no name"),
        "stocktaking_version_region_given" => (Field("region_code"), "it is missing"),
        "stocktaking_version_level_known" => (Field("admin_level"), "it is no level of the list"),
        "stocktaking_pkey"
        | "stocktaking_version_pkey"
        | "stocktaking_version_object_fkey"
        | "stocktaking_version_definition_fkey"
        | "stocktaking_version_valid_bounded"
        | "stocktaking_version_recorded_bounded"
        | "stocktaking_version_opened_by_given"
        | "stocktaking_version_frozen_whole"
        | "stocktaking_version_finished_is_over"
        | "stocktaking_line_pkey"
        | "stocktaking_line_stocktaking_fkey"
        | "stocktaking_line_kind_known"
        | "stocktaking_line_asset_or_extra"
        | "stocktaking_line_once"
        | "stocktaking_line_version_pkey"
        | "stocktaking_line_version_object_fkey"
        | "stocktaking_line_version_stocktaking_fkey"
        | "stocktaking_line_version_valid_bounded"
        | "stocktaking_line_version_recorded_bounded"
        | "stocktaking_line_version_found_known"
        | "stocktaking_line_version_difference_known"
        | "stocktaking_line_version_missing_is_shortfall"
        | "stocktaking_line_version_area_positive"
        | "stocktaking_line_version_answered_by_given"
        | "stocktaking_line_version_decision_known"
        | "stocktaking_line_version_decision_whole"
        | "stocktaking_line_version_decided_difference"
        | "stocktaking_line_version_settled_whole"
        | "stocktaking_line_version_settled_by_change"
        | "stocktaking_hold_stocktaking_fkey" => (Ours, ""),
        "inspection_version_title_given" => (Field("title"), "it is missing"),
        "inspection_version_unit_fkey" | "inspection_finding_version_unit_fkey" => {
            (Field("unit_id"), "the unit is not registered")
        }
        "inspection_version_period_in_order" => (Field("period_to"), "the period ends before it begins"),
        "inspection_version_four_eyes" => (Clash, "whoever put an inspection forward can't judge it"),
        "inspection_version_one_at_a_time"
        | "inspection_finding_version_one_at_a_time"
        | "inspection_scheme_version_one_at_a_time" => (Clash, "another version of it is registered for these days"),
        "inspection_finding_version_says_given" => (Field("says"), "it is missing"),
        "inspection_finding_version_days_sane" => (Field("days"), "1 to 250 working days"),
        "inspection_finding_version_four_eyes" => (Clash, "whoever put a finding right doesn't look at it again"),
        "inspection_finding_version_taken_once" => (Clash, "the inspection has taken this finding over already"),
        "inspection_scheme_version_region_form" => (Field("region_code"), "it is no region's code"),
        "inspection_scheme_version_weights_whole" => (Field("weights"), "the weights are not 100 together"),
        "inspection_scheme_version_grades_given" => (Field("grades"), "there is none"),
        "inspection_scheme_version_source_given" => (Field("source"), "it is missing"),
        "inspection_scheme_version_no_overlap" => (Clash, "the region has a scheme for these days already"),
        "inspection_scheme_version_valid_bounded" => (Field("valid_from"), "the period ends before it begins"),
        "inspection_pkey"
        | "inspection_version_pkey"
        | "inspection_version_object_fkey"
        | "inspection_version_definition_fkey"
        | "inspection_version_valid_bounded"
        | "inspection_version_recorded_bounded"
        | "inspection_version_level_known"
        | "inspection_version_target_known"
        | "inspection_version_opened_by_given"
        | "inspection_version_score_sane"
        | "inspection_version_score_whole"
        | "inspection_version_published_scored"
        | "inspection_finding_pkey"
        | "inspection_finding_version_pkey"
        | "inspection_finding_version_object_fkey"
        | "inspection_finding_version_inspection_fkey"
        | "inspection_finding_version_finding_fkey"
        | "inspection_finding_version_valid_bounded"
        | "inspection_finding_version_recorded_bounded"
        | "inspection_finding_version_kind_known"
        | "inspection_finding_version_state_known"
        | "inspection_finding_version_found_by_given"
        | "inspection_finding_version_rectified_whole"
        | "inspection_finding_version_confirmed_whole"
        | "inspection_finding_version_deferred_whole"
        | "inspection_scheme_pkey"
        | "inspection_scheme_version_pkey"
        | "inspection_scheme_version_object_fkey"
        | "inspection_scheme_version_recorded_bounded" => (Ours, ""),
        "document_name_given" => (Field("file"), "the file has no name"),
        "document_bytes_positive" => (Field("file"), "the file is empty"),
        "document_pkey"
        | "document_person_fkey"
        | "document_sha256_whole"
        | "document_brought_by_given"
        | "document_once_a_person"
        | "document_use_pkey"
        | "document_use_document_fkey"
        | "document_use_holder_known" => (Ours, ""),
        "title_pkey"
        | "title_case_number_key"
        | "title_version_pkey"
        | "title_version_object_fkey"
        | "title_version_recorded_bounded"
        | "title_version_book_state_known"
        | "title_version_evidence_known"
        | "title_version_co_ownership_known"
        | "title_version_right_type_known"
        | "title_extent_pkey"
        | "title_extent_version_fkey"
        | "encumbrance_pkey"
        | "encumbrance_version_pkey"
        | "encumbrance_version_object_fkey"
        | "encumbrance_version_recorded_bounded"
        | "encumbrance_version_kind_known"
        | "encumbrance_version_seizure_whole"
        | "encumbrance_version_mortgage_whole"
        | "title_case_pkey"
        | "title_case_version_pkey"
        | "title_case_version_object_fkey"
        | "title_case_version_recorded_bounded"
        | "title_case_version_opened_by_given"
        | "title_case_version_state_known"
        | "title_case_version_two_people" => (Ours, ""),
        "region_pkey"
        | "unit_pkey"
        | "room_pkey"
        | "occupant_pkey"
        | "occupant_version_pkey"
        | "occupant_version_object_fkey"
        | "occupant_version_recorded_bounded"
        | "listed_right_pkey"
        | "listed_right_version_pkey"
        | "listed_right_version_object_fkey"
        | "listed_right_version_asset_fkey"
        | "listed_right_version_recorded_bounded"
        | "spatial_unit_pkey"
        | "region_version_pkey"
        | "unit_version_pkey"
        | "room_version_pkey"
        | "spatial_unit_version_pkey"
        | "spatial_unit_relation_pkey"
        | "spatial_unit_kind_known"
        | "spatial_unit_version_kind_known"
        | "spatial_unit_version_object_fkey"
        | "spatial_unit_source_whole"
        | "spatial_unit_relation_kind_known"
        | "region_version_object_fkey"
        | "unit_version_object_fkey"
        | "room_version_object_fkey"
        | "region_version_recorded_bounded"
        | "unit_version_recorded_bounded"
        | "room_version_recorded_bounded"
        | "spatial_unit_version_recorded_bounded"
        | "spatial_unit_relation_recorded_bounded"
        | "dataset_pkey"
        | "import_pkey"
        | "import_state_known"
        | "import_row_pkey"
        | "import_row_import_fkey"
        | "import_row_outcome_known"
        | "import_row_reason_given"
        | "import_row_run_pkey"
        | "import_row_run_import_fkey"
        | "import_row_run_outcome_known"
        | "import_row_run_arrays_even"
        | "import_mapping_pkey"
        | "import_mapping_layer_known"
        | "import_file_pkey"
        | "import_file_import_fkey"
        | "check_run_pkey"
        | "check_run_state_known"
        | "check_position_pkey"
        | "check_position_single"
        | "finding_pkey"
        | "finding_once"
        | "finding_state_known"
        | "finding_exception_whole"
        | "person_pkey"
        | "person_state_known"
        | "person_password_is_argon2id"
        | "person_session_pkey"
        | "person_session_person_fkey"
        | "person_session_one_per_token"
        | "person_session_token_is_sha256"
        | "person_token_pkey"
        | "person_token_person_fkey"
        | "person_token_one_per_token"
        | "person_token_token_is_sha256"
        | "person_token_revocation_whole"
        | "person_grant_pkey"
        | "person_grant_person_fkey"
        | "person_grant_granted_by_fkey"
        | "person_grant_revocation_whole"
        | "restricted_read_pkey"
        | "restricted_read_person_fkey"
        | "restricted_read_of_something"
        | "person_session_opened_by_known"
        | "person_identity_pkey"
        | "person_identity_person_fkey"
        | "person_identity_issuer_given"
        | "person_identity_end_whole"
        | "identity_sign_in_pkey"
        | "identity_sign_in_hashes_are_sha256"
        | "sign_in_event_pkey"
        | "sign_in_event_person_fkey"
        | "sign_in_event_kind_known"
        | "sign_in_event_why_known"
        | "sign_in_event_by_known"
        | "sign_in_event_attempts_positive"
        | "unknown_name_attempt_pkey"
        | "unknown_name_attempt_attempts_positive"
        | "sign_in_attempt_pkey"
        | "sign_in_attempt_kind_known"
        | "first_administrator_link_pkey"
        | "first_administrator_link_token_is_sha256"
        | "idempotent_answer_pkey"
        | "workflow_definition_pkey"
        | "workflow_definition_is_its_text"
        | "workflow_definition_workflow_given"
        | "title_case_version_definition_fkey" => (Ours, ""),
        ledger if ledger.starts_with("ledger_") => (Ours, ""),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[sqlx::test(migrations = "../migrations")]
    async fn every_constraint_has_a_meaning(pool: sqlx::PgPool) {
        let names: Vec<(String,)> = sqlx::query_as(
            "select conname::text from pg_constraint c join pg_namespace n on n.oid = c.connamespace
              where n.nspname = 'public' and contype in ('c', 'f', 'p', 'u', 'x')
                and not exists (select from pg_depend d where d.objid = c.conrelid and d.deptype = 'e')
                and conrelid::regclass::text not in ('_sqlx_migrations', 'spatial_ref_sys')
              union
             select c.relname::text from pg_index i join pg_class c on c.oid = i.indexrelid
               join pg_namespace n on n.oid = c.relnamespace
              where i.indisunique and n.nspname = 'public'
                and i.indrelid::regclass::text not in ('_sqlx_migrations', 'spatial_ref_sys')",
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        assert!(names.len() > 60, "only {} constraints found", names.len());
        let unknown: Vec<_> = names.iter().filter(|(name,)| meaning_of(name).is_none()).collect();
        assert!(unknown.is_empty(), "constraints without a meaning: {unknown:?}");
    }
}

// Splits and merges, and cases of endings, objections, pre-notices and seizures.
export default {
  lineage: {
    heading: "Splits and merges", came_from: "From", became: "Became", told_split: "split on {on}", told_merge: "merged on {on}", split_or_merge: "Split or merge", title: "{name}: split or merge",
    way_cut: "Cut along a line", way_shapes: "By shapes", way_merge: "Merge", others: "Merged with", heir: "What they become, where it is registered or imported already", search: "look for a code, name or place",
    text_cut: "The line", text_shapes: "The shapes it becomes", text_merge: "The shape they become", text_like: "LINESTRING(111.6 26.4, 111.7 26.4), or GeoJSON",
    text_about: "Paste WKT (one a line) or GeoJSON in longitude and latitude (CGCS2000); or drop a file here, or", choose_file: "choose one", preview: "Preview and compare areas",
    not_understood: "it is neither WKT nor GeoJSON", a_line_is_wanted: "give a line", shapes_are_wanted: "give two shapes at least", others_are_wanted: "choose what it is merged with", one_shape_is_wanted: "give the one shape they become, or choose one that is registered",
    drawing: "the shapes after it", before: "Area before", after: "Area after", missing: "Not covered", outside: "Outside", overlap: "Covered twice", tolerance: "Tolerated (0.1 %)",
    conserved: "What was there is covered, once and wholly.", not_conserved: "What was there is not covered once and wholly (GEO-14); it can't be saved. Correct the shapes by the survey.",
    area: "Area", code: "Code", name: "Name", on: "Day of the change", survey: "Survey", consent: "Consent of the natural-resources department", reason: "Reason", unit_code: "Real-estate unit code", record: "Record it", recorded: "Recorded: the old ones end and the new ones begin on that day", take_plan: "Take it into the case",
    needs_case: "A current title lies on it: it is split or merged by a title case.", plan: "What becomes of what", plan_of: "{from} become {to}", enter_plan: "Enter the plan", change_plan: "Change the plan", no_plan: "no plan yet", piece: "piece {n}", rooms: "Where the rooms go", into: "Into", room_count: "Rooms", use_area: "Use area", building_area: "Building area", registered_area: "Registered area (m²)", rooms_left: "{n} room is in none of them yet | {n} rooms are in none of them yet", rooms_settled: "Every room has its place.", rooms_all_go: "The rooms go into the one they become, with their leases, use agreements and the like.", rooms_too_much: "The rooms are more than the registered area (SPC-11): it will be listed as a finding.", floor: "Floor {n}", whole_floor: "all of this floor", choose_piece: "choose", with_its_office: "with its office",
  },
  lineage_refusal: {
    area_not_conserved: "what was there is not covered once and wholly (GEO-14); nothing was saved", cut_divides_nothing: "the line doesn't cut it in two: it must enter and leave the outline", neither_split_nor_merge: "one becomes several, or several become one",
    shape_unsound: "an outline crosses itself or has no area (GEO-01)", shape_missing: "one of them has no shape, so nothing can be compared", unit_code_taken: "the unit code was used before; a code is never used again (COD-02)", code_taken: "the code is the old one's, or two of the new ones have it",
    title_case_needed: "a current title lies on it: it takes a title case", case_pending: "a title case is pending", policy_case_pending: "a policy case is open", idle_record_open: "an idle record of the whole goes on: end it on that day first", rooms_unassigned: "of some rooms it isn't said where they go", rooms_torn: "a rest room goes where its office goes", room_elsewhere: "a room is no longer there: preview again",
    not_standing: "it was changed after that day: choose a later one", date_in_future: "the day is in the future",
  },
  entry: {
    heading_objection: "The objection", heading_pre_notice: "The pre-notice", heading_seizure: "The seizure", holder_objection: "who objects", holder_pre_notice: "who holds the pre-notice", holder_seizure: "who seizes it",
    document: "document", document_date: "its date", expires_on: "last day", registrable_on: "registration possible from (lapses 90 days later)", advance: "advance seizure",
    about_objection: "It lapses unless a suit is brought within 15 days of its recording (Civil Code art. 220).", about_pre_notice: "It lapses 90 days after the registration becomes possible (Civil Code art. 221); where that day isn't known yet, note it once it is recorded.", about_seizure: "What is seized is not transferred; other cases go on, and are stopped at their recording.",
    end: "The ending", end_cause: "why it ends", asset_status: "registration status without it", open: "Open a case to encumber it", certificates: "certificate numbers, one a line, in the order of the plan",
  },
};

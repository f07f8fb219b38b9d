-- Why: an objection, a pre-notice or a seizure is entered whatever else is under way with the asset, and stays to be watched
-- until it lapses: such a case neither holds an asset and its unit code nor is held off by another (docs/adr/0021).

drop index title_case_version_one_per_asset;
create unique index title_case_version_one_per_asset on title_case_version (asset_id)
    where upper_inf(recorded) and state <> 'archived'
      and coalesce(details ->> 'policy_action', '') not in ('objection', 'pre_notice', 'seizure');
drop index title_case_version_one_per_unit;
create unique index title_case_version_one_per_unit on title_case_version (firm_code)
    where upper_inf(recorded) and state <> 'archived'
      and coalesce(details ->> 'policy_action', '') not in ('objection', 'pre_notice', 'seizure');

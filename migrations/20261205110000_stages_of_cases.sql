-- Where the open cases of assets stand, and at what phase that is: said once, for the tiles, the map's theme and the lists.

-- The phase of a stage (`procedure.state`). A state that a later edition of a procedure gives up stays here: cases that began
-- with it go on.
create function case_phase(stage text) returns text
    language sql immutable
    as $$
select case
    when stage in (
        'idle_disposal.identified', 'idle_disposal.verified', 'idle_disposal.scored',
        'hand_down.proposed',
        'turnover_housing.proposed', 'turnover_housing.selected',
        'repair.drafted') then 'preparing'
    when stage in (
        'idle_disposal.proposed', 'idle_disposal.collective',
        'hand_down.agreed',
        'turnover_housing.planned', 'turnover_housing.collective',
        'repair.applied', 'repair.surveyed', 'repair.assessed', 'repair.cost_reviewed', 'repair.published') then 'deciding'
    when stage in (
        'idle_disposal.approved', 'idle_disposal.appraised', 'idle_disposal.announced', 'idle_disposal.bidding',
        'idle_disposal.awarded', 'idle_disposal.contracted', 'idle_disposal.below_floor',
        'hand_down.approved',
        'turnover_housing.approved', 'turnover_housing.refitted',
        'repair.planned', 'repair.working', 'repair.emergency') then 'carrying_out'
    when stage in (
        'idle_disposal.executed', 'idle_disposal.settled', 'idle_disposal.title_done',
        'hand_down.handed_over', 'hand_down.registered',
        'turnover_housing.set_up', 'turnover_housing.in_use',
        'repair.inspected', 'repair.regularising') then 'finishing'
    when starts_with(stage, 'title_case.') then 'titling'
    end $$;

-- The open cases about assets themselves, with the order in which they are told of: the least `rank` goes first. A unit's case
-- that gives it rooms of an asset is the unit's.
create view asset_case with (security_invoker = true) as
select object_id, asset_id, stage, coalesce(case_phase(stage), 'preparing') as phase, rank, valid, recorded
  from (select object_id, asset_id, procedure || '.' || state as stage,
               case procedure when 'idle_disposal' then 1 when 'hand_down' then 2 when 'turnover_housing' then 3 when 'repair' then 4
                              else 5 end as rank,
               valid, recorded
          from policy_case_version
         where is_open and asset_id is not null and unit_id is null
        union all
        select object_id, asset_id, 'title_case.' || state, 9, valid, recorded
          from title_case_version
         where state <> 'archived') cases;
grant select on asset_case to yice_app;

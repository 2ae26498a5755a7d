-- The engine's own. Decides which of claimed executions with a key begin: the newest of each key does, and loses its key; older ones
-- vanish, whoever has claimed them. If the newest is another one, it is taken in place of what was claimed if it is due: a key that
-- changes all the time would never get to run otherwise. Of a limited task it takes over the lane, too. If it is not due, or others
-- have claimed it, it runs in its own time. Nothing begins before all that is older has gone: what others have locked may be about to begin, or to stay. Waits for no lock:
-- what cannot be decided now is returned as such. Those that are cancelled must not run. most is how many vanish at once; more tells
-- whether there were too many. May be repeated after its answer was lost: what has begun is still told, what was taken is in the node's
-- name without its knowledge.
create or replace function ${schema}.coalesce_claimed(
    node uuid, ids uuid[], claim_nos int[], most int,
    out begun uuid[], out cancelled uuid[], out taken uuid[], out undecided uuid[], out more boolean)
language plpgsql volatile
-- One plan for all, which reads no table: whatever the statistics and the session say
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
    tasks      text[];
    keys       text[];
    queues     text[];
    gates      text[];
    lanes      int[];        -- which the newest gets if it is taken
    newest     uuid[];
    own        boolean[];    -- whether the newest is one of those that were claimed
    crowded    boolean[];    -- whether there are older ones
    superseded uuid[];
    older      tid[];
    takeable   uuid[];
begin
    -- As with the claim: what is lost with the server has never been
    perform pg_catalog.set_config('synchronous_commit', 'off', true);
    more := false;
    -- A bound from below, since what was newest before has left its entry in the index. One that is cancelled is out of the game.
    -- The offsets keep the planner from indexes that have other rows, too.
    with mine as materialized (
        select e.id, e.task, e.coalesce_key, e.queue, e.gate, e.lane, e.cancel_requested_at is not null as cancelled
        from unnest(coalesce_claimed.ids, coalesce_claimed.claim_nos) as c (id, claim_no)
        cross join lateral (
            select e.* from ${schema}.execution e
            where e.id = c.id and e.claimed_by = coalesce_claimed.node and e.claim_no = c.claim_no
            for update skip locked offset 0) e
        where e.coalesce_key is not null
    ), ranked as materialized (
        select m.*, row_number() over (partition by m.task collate "C", m.coalesce_key collate "C" order by m.id desc) as rank
        from mine m where not m.cancelled
    ), decision as materialized (
        select r.id, r.task, r.coalesce_key, r.queue, r.gate, r.lane, n.id as newest,
               exists (select from ${schema}.execution e
                       where e.task = r.task and e.coalesce_key = r.coalesce_key and e.id < n.id
                         and e.cancel_requested_at is null) as crowded
        from ranked r
        cross join lateral (
            select e.id from ${schema}.execution e
            where e.task = r.task and e.coalesce_key = r.coalesce_key and e.id >= r.id and e.cancel_requested_at is null
            order by e.id desc limit 1) n
        where r.rank = 1
    )
    select array_agg(d.task), array_agg(d.coalesce_key), array_agg(d.queue), array_agg(d.gate), array_agg(d.lane),
           array_agg(d.newest), array_agg(d.newest = d.id), array_agg(d.crowded),
           array (select r.id from ranked r where r.rank > 1 union all select d.id from decision d where d.newest > d.id),
           array (select m.id from mine m where m.cancelled)
    into tasks, keys, queues, gates, lanes, newest, own, crowded, superseded, cancelled
    from decision d;

    if true = any (crowded) then
        older := array (
            select o.ctid
            from unnest(tasks, keys, newest, crowded) as k (task, key, newest, crowded)
            cross join lateral (
                select e.ctid from ${schema}.execution e
                where e.task = k.task and e.coalesce_key = k.key and e.id < k.newest and e.cancel_requested_at is null
                limit most for update skip locked) o
            where k.crowded
            limit most);
        more := cardinality(older) >= most;
        delete from ${schema}.execution e where e.ctid = any (older);
        delete from ${schema}.execution e where e.id = any (superseded);
    end if;

    with beginning as (
        update ${schema}.execution e set coalesce_key = null
        from unnest(tasks, keys, newest, own, crowded) as k (task, key, newest, own, crowded)
        where k.own and e.id = k.newest
          and (not k.crowded or not exists (
              select from ${schema}.execution o
              where o.task = k.task and o.coalesce_key = k.key and o.id < k.newest and o.cancel_requested_at is null))
        returning e.id
    )
    select array (select b.id from beginning b) into begun;
    if cardinality(cancelled) > 0 then
        update ${schema}.execution e set coalesce_key = null where e.id = any (cancelled);
    end if;

    taken := '{}';
    if false = any (own) then
        takeable := array (
            select e.id
            from unnest(newest, queues, gates, own) as k (newest, queue, gate, own)
            cross join lateral (
                select e.* from ${schema}.execution e where e.id = k.newest for update skip locked offset 0) e
            where not k.own and e.claimed_by is null and e.phase = 'due' and e.gate is not distinct from k.gate
              and e.queue = k.queue
              and e.coalesce_key is not null and e.cancel_requested_at is null
              and not exists (select from ${schema}.node n where n.id = coalesce_claimed.node and n.dead_at is not null));
        with taking as (
            update ${schema}.execution e
            set coalesce_key = null, claimed_by = coalesce_claimed.node, claimed_at = ${schema}.now(),
                claim_no = e.claim_no + 1, attempt = e.attempt + case when e.waiting_for is null then 1 else 0 end,
                phase = case when e.gate is null then e.phase else 'running' end, lane = k.lane
            from unnest(newest, lanes) as k (newest, lane)
            where e.id = any (takeable) and e.id = k.newest
              and not exists (
                  select from ${schema}.execution o
                  where o.task = e.task and o.coalesce_key = e.coalesce_key and o.id < e.id
                    and o.cancel_requested_at is null)
            returning e.id
        )
        select array (select t.id from taking t) into taken;
    end if;

    undecided := '{}';
    if cardinality(begun) + cardinality(cancelled) + coalesce(cardinality(superseded), 0) < cardinality(coalesce_claimed.ids) then
        select array_agg(e.id) filter (where e.coalesce_key is null and e.cancel_requested_at is null),
               array_agg(e.id) filter (where e.coalesce_key is null and e.cancel_requested_at is not null),
               array_agg(e.id) filter (where e.coalesce_key is not null)
        into begun, cancelled, undecided
        from unnest(coalesce_claimed.ids, coalesce_claimed.claim_nos) as c (id, claim_no)
        join ${schema}.execution e on e.id = c.id and e.claimed_by = coalesce_claimed.node and e.claim_no = c.claim_no;
    end if;
end
$$;

-- Cancels an execution, in the caller's transaction: one that is not running ends at once, with the children it waits for; one
-- that runs is told within a second, and ends cancelled whatever its handler does. Returns whether this call did it: false if
-- it was cancelled before, has finished, or is unknown. The same as ConductorClient.cancel:
--   select ${schema}.cancel('0199c3a4-…', 'no longer wanted');
create or replace function ${schema}.cancel(execution uuid, reason text default null) returns boolean
language plpgsql volatile
as $$
declare
    cancelled boolean;
begin
    loop
        -- First, since what is not running takes locks that its brothers and sisters need in order to end
        perform from ${schema}.execution e
        where e.id = cancel.execution and e.claimed_by is not null and e.cancel_requested_at is null;
        if found then
            begin
                update ${schema}.execution e set cancel_requested_at = ${schema}.now(), cancel_reason = cancel.reason
                where e.id = cancel.execution and e.claimed_by is not null and e.cancel_requested_at is null;
                if found then
                    perform ${schema}.tell_cancelled();
                    return true;
                end if;
                -- A row that has changed meanwhile stays locked although it is not updated, and waits are to be locked
                -- before executions: so give that lock back
                raise exception 'not running any more' using errcode = 'PGC01';
            exception when sqlstate 'PGC01' then
                null;
            end;
        end if;
        cancelled := ${schema}.cancel_idle(cancel.execution, cancel.reason);
        if cancelled is not null then
            return cancelled;
        end if;
        -- It may have been claimed, or given back, between the two
        exit when not exists (
            select from ${schema}.execution e
            where e.id = cancel.execution and (e.claimed_by is null or e.cancel_requested_at is null));
    end loop;
    return false;
end
$$;

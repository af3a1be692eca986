// Package snowflake speaks to Snowflake for the sink: sessions, the stage, and the transaction that makes every
// record arrive exactly once.
//
// # Sessions
//
// A [Session] is one connection with one server-side session. The driver's pool is not used as a pool: it hands dead
// sessions and open transactions back (gosnowflake issues 1688, 1746, 1838), so a [Client] owns one session, discards
// it after every error that leaves its state in doubt, and logs in again when it next needs one.
//
// # Offsets
//
// Beside the table T stands "T$OFFSETS" with one row a shard: how far the shard has come in T, who may move it (EPOCH,
// OWNER) and the batch that moved it last. The lease in DynamoDB does not fence Snowflake: a worker that lost its
// lease may still have a statement on its way. So the offsets fence: a batch commits only if, in its own transaction,
// it finds every one of its shards' rows at the epoch and the position that this worker last saw.
//
// Primary keys are not enforced by Snowflake, so the row '*' exists from the table's creation on and every transaction
// that adds rows first updates it: that takes the table's lock, and adding becomes serial.
//
// # Acquire
//
// At a shard's first batch with rows: UPDATE '*', INSERT what is missing, EPOCH = EPOCH + 1 with a fresh OWNER, SELECT,
// COMMIT. The latest acquirer wins; the one before it finds its epoch stale at its next batch and is fenced.
//
// A transaction may be ended from outside (see below). AUTOCOMMIT is off, so the statements that follow then do not stand
// alone but begin another transaction, without the lock of the one that was ended: an INSERT among them could add a row
// that another worker is adding, too. So the UPDATE of '*' leaves a mark, which is rolled back with the transaction, and
// INSERT and UPDATE do nothing where they do not find it.
//
// # Commit
//
// BEGIN; COPY, rows counted; UPDATE of the offsets, rows counted; COMMIT. The UPDATE comes last, so that the lock lives
// for one round trip. It cannot ask for a mark, since no statement before the COPY may take the lock: it asks for the
// transaction's id, which was read before the COPY. An UPDATE without its COPY would lose the rows. That CURRENT_TRANSACTION()
// says in an UPDATE what it says in a SELECT is shown by the first acquire of a process; else it is done without.
//
// COMMIT need not fail for a transaction that was ended. So a batch is believed to be committed when its BATCH_ID is seen.
// Whatever is in doubt (a lost reply, a time-out, an id that is not seen) is resolved by a transaction that takes the lock
// and reads: if any row of the batch bears its BATCH_ID the whole batch is committed, because the UPDATE is one
// statement of one transaction; otherwise nothing is.
//
// # Locks of the dead
//
// A vanished client's transaction may hold the lock for minutes (Snowflake aborts a detached transaction after 5). A
// lock on the offsets held for longer than [Options.LockPatience] is ended with SYSTEM$ABORT_TRANSACTION. Its holder,
// if it lives after all, cannot be hurt: it notices that its transaction was ended.
package snowflake

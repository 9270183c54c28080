/**
 * Questions to the store: which entries (patterns), which times, in which order, until when. Owns
 * the queries that are alive: their ids, their positions and their time to live. Knows no HTTP: a
 * {@link io.pannier.query.BatchSink} says how much fits into an answer.
 *
 * <p>Threads: {@link io.pannier.query.Queries} starts none. Collecting reads files, so it runs on
 * the executor that comes with the read; committing threads of the store only leave a mark and wake
 * a waiting read. Reads of one query take turns; different queries never wait for each other. A
 * query keeps one position per entry and no record between two reads, so memory is bounded by one
 * batch per read under way. Start at {@link io.pannier.query.Queries}, then {@link
 * io.pannier.query.Query}.
 */
@NullMarked
package io.pannier.query;

import org.jspecify.annotations.NullMarked;

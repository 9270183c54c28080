/**
 * Questions to the store: which entries (patterns), which times, which records ({@link
 * io.pannier.query.when}), in which order, until when. Owns the queries that are alive: their ids,
 * their positions and their time to live. Knows no HTTP: a {@link io.pannier.query.BatchSink} says
 * how much fits into an answer.
 *
 * <p>Threads: {@link io.pannier.query.Queries} starts none. Collecting reads files, so it runs on
 * the executor that comes with the read; committing threads of the store only leave a mark and wake
 * a waiting read. Reads of one query take turns; different queries never wait for each other. A
 * query keeps one position per entry between two reads, with a condition also its memory and the
 * few records judged ahead, so memory is bounded by one batch per read under way. Start at {@link
 * io.pannier.query.Queries}, then {@link io.pannier.query.Query} and {@link
 * io.pannier.query.Cursor}; a condition at work is a {@link io.pannier.query.Selection}, which
 * judges the rows of a block by a {@link io.pannier.query.Truth}.
 */
@NullMarked
package io.pannier.query;

import org.jspecify.annotations.NullMarked;

package io.pannier.store;

import java.util.List;

/**
 * What one step of a walk found.
 *
 * @param records in ascending time
 * @param atEnd whether nothing of the range is left at this moment
 * @param next first time that was not looked at; the walk of a range without end may go on from
 *     there when there is more
 * @param isPast whether the largest time was looked at, so that nothing can ever follow
 */
public record Scanned(List<StoredRecord> records, boolean atEnd, long next, boolean isPast) {}

package io.pannier.query.ext;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.slf4j.Logger;

/**
 * What a step is opened with.
 *
 * @param bucket the bucket of the query
 * @param entry the entry of a query on one; of a query on many, the first that it names, or empty
 * @param parameters what stands beside the extension's name: any JSON value; with the attachments
 *     of the chosen entries in its member {@code attachments} (entry → key → content) if it is an
 *     object, there are any, and the client sent none
 * @param query the whole request, whose {@code ext} is reduced to this extension and its parameters
 * @param screen what can be told beforehand of the condition beside the extension; a step may leave
 *     it alone
 * @param work the bounds of the query
 * @param log where it tells what an operator should know; the name of the extension is in it
 */
public record Opening(
    String bucket,
    String entry,
    JsonNode parameters,
    ObjectNode query,
    Screen screen,
    Work work,
    Logger log) {
  /**
   * Whether a condition stands beside the extension: without one every item passes, so a step that
   * splits only to be judged may leave that out.
   */
  public boolean conditional() {
    return !screen.isOpen();
  }
}

/**
 * {@link io.pannier.store.remote.ObjectStore} in S3, or whatever speaks S3 and honours conditional
 * puts. The only room that knows Amazon's library, and nothing here is loaded by a server whose
 * data lies in the file system.
 *
 * <p>Any thread may enter; each call is one request, or a few when the network fails. Start at
 * {@link io.pannier.s3.S3ObjectStore}.
 */
@NullMarked
package io.pannier.s3;

import org.jspecify.annotations.NullMarked;

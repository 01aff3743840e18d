/** The kernel worker where the browser refuses storage, as it does to sites that were told to keep nothing. */
import "sluice/kernel-worker";

IDBFactory.prototype.open = () => {
  throw new DOMException("The operation is insecure.", "SecurityError");
};

import type { ReactNode } from "react";
import { Dialog as Behaviour, Heading, Modal, ModalOverlay } from "react-aria-components";

/** Something that has to be answered before the page goes on. */
export function Dialog({
  title,
  isOpen,
  onClose,
  children,
  wide = false,
}: {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
}) {
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable
      className="fixed inset-0 z-40 flex items-start justify-center bg-black/40 p-4 pt-[10vh]"
    >
      <Modal className={`w-full ${wide ? "max-w-3xl" : "max-w-lg"} card max-h-[80vh] overflow-auto shadow-xl`}>
        <Behaviour className="p-5 outline-none">
          <Heading slot="title" className="mb-3 text-lg font-semibold">
            {title}
          </Heading>
          {children}
        </Behaviour>
      </Modal>
    </ModalOverlay>
  );
}

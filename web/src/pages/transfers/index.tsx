// The area "Transfers": the list, a new one, and one of them live.
import { Route, Routes } from "react-router";
import { NotThere } from "../../App";
import { TransferList } from "./List";
import { TransferPage } from "./live/TransferPage";
import { NewTransfer } from "./new/NewTransfer";
import "./transfers.css";

export default function Area() {
  return (
    <Routes>
      <Route index element={<TransferList />} />
      <Route path="new" element={<NewTransfer />} />
      <Route path=":id" element={<TransferPage />} />
      <Route path="*" element={<NotThere />} />
    </Routes>
  );
}

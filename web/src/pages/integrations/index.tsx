// The area "Integrations": which of its pages an address shows.
import { Route, Routes } from "react-router";
import { NotThere } from "../../App";
import { Details } from "./Details";
import "./integrations.css";
import { ConnectedIntegrations } from "./List";
import { Objects } from "./Objects";
import { Setup } from "./Setup";

export default function Area() {
  return (
    <div className="int-area">
      <Routes>
        <Route index element={<ConnectedIntegrations />} />
        <Route path=":id" element={<Details />} />
        <Route path=":id/setup" element={<Setup />} />
        <Route path=":id/objects" element={<Objects />} />
        <Route path="*" element={<NotThere />} />
      </Routes>
    </div>
  );
}

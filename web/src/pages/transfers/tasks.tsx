// The area "Tasks": all videos that were given, with filters; and one of them.
import { Route, Routes } from "react-router";
import { NotThere } from "../../App";
import { TaskList } from "./tasks/TaskList";
import { TaskPage } from "./tasks/TaskPage";
import "./transfers.css";

export default function Area() {
  return (
    <Routes>
      <Route index element={<TaskList />} />
      <Route path=":id" element={<TaskPage />} />
      <Route path="*" element={<NotThere />} />
    </Routes>
  );
}
